#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/fft/fft2.h"
#include "engine/infer/network.h"

namespace flashphase::infer {

/// Channels of the network's input on the half-size grid: modulus, its square root, mask, autocorrelation
/// (real, imaginary), each with the four pixels of a 2x2 block side by side (pixel-unshuffle).
inline constexpr int kFeatureChannels = 20;

/// A network's support: amplitude above this fraction of the maximum.
inline constexpr float kSupportThreshold = 0.1f;

/// What a network needs of one pattern. Written into the caller's buffers.
struct FeatureView {
  float* features;         ///< [m/2, m/2, kFeatureChannels] channels last
  float* modulus;          ///< [m, m] normalised sqrt(I) in the layout of fft::Fft2 (transposed, unshifted)
  std::uint8_t* measured;  ///< [m, m] same layout
};

/// Turns patterns into network inputs. The modulus is normalised so that the sum of its squares over measured
/// pixels is m^2 n^2 / 4: an object of that spectrum has mean squared amplitude 1/4 on the n x n grid.
/// Thread: one instance per thread. No allocation per call.
class FeatureMaker {
 public:
  FeatureMaker(int pattern_size, int object_size);

  /// `intensity`, `measured` [m, m] with zero of Q in the middle. Returns the factor that took sqrt(I) to the
  /// normalised modulus; 0 for a pattern without signal (all outputs are then zero but for the mask).
  float operator()(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                   const FeatureView& out);

 private:
  int m_, n_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

/// Throws std::invalid_argument when the model takes patterns of another size.
void check_size(const ModelInfo& model, const PatternBatch& patterns);

/// The way back: a network's answer (planes [n, n] in the scale of the normalised modulus) into the batch, in
/// the scale of its pattern, with its support; the residual is left to the score stage. `scale` is what
/// FeatureMaker gave.
void take_answer(const float* re, const float* im, float scale, ObjectBatch& objects, int index);

}  // namespace flashphase::infer
