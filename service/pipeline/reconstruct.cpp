#include "service/pipeline/reconstruct.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

namespace flashphase::service {

namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// atan2 in (-pi, pi] within 3e-7 rad, 0 at the origin, without branches so that the loop around it runs in
/// vectors: atan(t) / t on [0, 1] as a polynomial in t^2 (Chebyshev interpolation, degree 8), then the octant
/// is put right.
float angle(float y, float x) {
  constexpr std::array kAtan{0.0027662835f, -0.0157312491f, 0.0421376236f, -0.0745685482f, 0.106183706f,
                             -0.141977978f, 0.19991872f,    -0.333330367f, 0.999999982f};
  const float ax = std::abs(x), ay = std::abs(y);
  const float large = ax > ay ? ax : ay, small = ax > ay ? ay : ax;
  const float t = large > 0 ? small / large : 0.0f;
  float p = 0;
  for (const float coefficient : kAtan) p = p * t * t + coefficient;
  float a = p * t;
  a = ay > ax ? kPi / 2 - a : a;
  a = x < 0 ? kPi - a : a;
  a = y < 0 ? -a : a;
  return a > -kPi ? a : kPi;
}

}  // namespace

std::unique_ptr<Reconstruction> make_reconstruction(std::shared_ptr<const Pattern> pattern,
                                                    const ObjectBatch& objects, int index) {
  auto result = std::make_unique<Reconstruction>();
  const auto object = objects.object_of(index);
  const auto support = objects.support_of(index);
  result->times = pattern->times;
  result->noise_residual = pattern->noise_residual;
  result->pattern = std::move(pattern);
  result->size = objects.size;
  result->residual = objects.residual[static_cast<std::size_t>(index)];
  result->support.assign(support.begin(), support.end());
  result->amplitude.resize(object.size());
  result->phase.resize(object.size());

  float* amplitude = result->amplitude.data();
  float* phase = result->phase.data();
  for (std::size_t i = 0; i < object.size(); ++i) {
    const float re = object[i].real(), im = object[i].imag();
    amplitude[i] = std::sqrt(re * re + im * im);
    phase[i] = angle(im, re);
  }
  const float largest = *std::max_element(amplitude, amplitude + object.size());
  const float scale = largest > 0 ? 1 / largest : 0.0f;
  for (std::size_t i = 0; i < object.size(); ++i) amplitude[i] *= scale;
  return result;
}

}  // namespace flashphase::service
