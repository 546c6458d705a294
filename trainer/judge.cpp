#include "trainer/judge.h"

#include <algorithm>
#include <complex>
#include <cstdint>

#include "engine/score/score.h"

namespace flashphase::trainer {
namespace {

constexpr float kSupportThreshold = 0.1f;

}  // namespace

double Samples::share_right() const {
  const auto right = std::ranges::count_if(real_space_error, [](double error) { return error < kRight; });
  return static_cast<double>(right) / static_cast<double>(real_space_error.size());
}

std::vector<std::uint8_t> support_of(std::span<const std::complex<float>> truth) {
  float largest = 0;
  for (const auto& value : truth) largest = std::max(largest, std::abs(value));
  std::vector<std::uint8_t> support(truth.size());
  std::ranges::transform(truth, support.begin(), [&](const std::complex<float>& value) {
    return static_cast<std::uint8_t>(std::abs(value) > kSupportThreshold * largest);
  });
  return support;
}

void judge(const ObjectBatch& objects, const Dataset& data, Samples& samples) {
  for (int i = 0; i < objects.count; ++i) {
    const auto truth = data.object(static_cast<std::size_t>(i));
    const auto comparison = score::compare(objects.object_of(i), truth, support_of(truth), objects.size);
    samples.modulus_chi2.push_back(static_cast<double>(objects.residual[static_cast<std::size_t>(i)]));
    samples.amplitude_chi2.push_back(static_cast<double>(comparison.amplitude_chi2));
    samples.phase_chi2.push_back(static_cast<double>(comparison.phase_chi2));
    samples.real_space_error.push_back(static_cast<double>(comparison.real_space_error));
  }
}

}  // namespace flashphase::trainer
