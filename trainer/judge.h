#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/frame/reconstruction.h"

namespace flashphase::trainer {

inline constexpr double kRight = 0.05;  ///< real-space error below which a frame counts as solved

/// The figures of frames, one value each.
struct Samples {
  std::vector<double> modulus_chi2, amplitude_chi2, phase_chi2, real_space_error;

  /// Of at least one frame.
  double share_right() const;
};

/// 1 where the truth is above a tenth of its maximum: where its phase is meaningful.
std::vector<std::uint8_t> support_of(std::span<const std::complex<float>> truth);

/// Compares scored objects with those of `data`, which holds the same frames, and appends the figures.
void judge(const ObjectBatch& objects, const Dataset& data, Samples& samples);

}  // namespace flashphase::trainer
