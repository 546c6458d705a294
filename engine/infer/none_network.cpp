#include "engine/infer/none_network.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>

#include "engine/fft/fft2.h"
#include "engine/infer/features.h"

namespace flashphase::infer {
namespace {

class NoneNetwork final : public Network {
 public:
  explicit NoneNetwork(int m)
      : fft_(m), re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)), im_(re_.size()) {
    info_.name = "none";
    info_.pattern_size = m;
    info_.object_size = m / 2;
    info_.oriented = false;
  }

  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "fp32"; }

  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    const int m = info_.pattern_size, n = info_.object_size, h = n / 2;
    if (objects.count != patterns.count || objects.size != n) objects = ObjectBatch(patterns.count, n);
    for (int i = 0; i < patterns.count; ++i) {
      objects.residual[static_cast<std::size_t>(i)] = -1.0f;
      const auto intensity = patterns.intensity_of(i);
      const auto measured = patterns.measured_of(i);
      double total = 0;
      for (std::size_t k = 0; k < intensity.size(); ++k) {
        re_[k] = measured[k] ? intensity[k] : 0.0f;
        im_[k] = 0;
        total += static_cast<double>(re_[k]);
      }
      // Zero of Q stays in the middle here: the shift would only change signs, and the modulus is taken. What
      // comes out is transposed in and out alike, so [y, x] holds the lag (y, x).
      fft_.forward(re_.data(), im_.data());
      const auto object = objects.object_of(i);
      const auto support = objects.support_of(i);
      double energy = 0;
      float largest = 0;
      for (int y = 0; y < n; ++y)
        for (int x = 0; x < n; ++x) {
          const std::ptrdiff_t lag = static_cast<std::ptrdiff_t>((x - h + m) % m) * m + (y - h + m) % m;
          const float amplitude = std::sqrt(std::sqrt(re_[lag] * re_[lag] + im_[lag] * im_[lag]));
          object[static_cast<std::size_t>(y * n + x)] = amplitude;
          energy += static_cast<double>(amplitude) * static_cast<double>(amplitude);
          largest = std::max(largest, amplitude);
        }
      // Parseval: sum |F|^2 = m^2 sum |object|^2.
      const float scale = energy > 0 ? static_cast<float>(std::sqrt(total / energy) / m) : 0.0f;
      for (std::size_t k = 0; k < object.size(); ++k) {
        support[k] = largest > 0 && object[k].real() > kSupportThreshold * largest;
        object[k] *= scale;
      }
    }
  }

 private:
  ModelInfo info_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

}  // namespace

std::unique_ptr<Network> make_none_network(int pattern_size) {
  return std::make_unique<NoneNetwork>(pattern_size);
}

}  // namespace flashphase::infer
