#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

namespace flashphase::tools {

/// What flashphase-reconstruct writes: N images of n x n pixels and how far to trust them. Empty = not there.
struct ReconstructionResults {
  int count = 0;                             ///< N
  int size = 0;                              ///< n
  std::vector<int> frames;                   ///< [N] their places in the input
  int rings = 0;                             ///< of the PRTF, m/2 + 1
  std::vector<std::complex<float>> objects;  ///< [N, n, n] the last result
  std::vector<std::uint8_t> support;         ///< [N, n, n]
  std::vector<float> residual;               ///< [N] before the schedule
  std::vector<float> refined_residual;       ///< [N] after it
  std::vector<float> agreement;              ///< [N] of several starts, 0 to 1
  std::vector<float> prtf;                   ///< [N, rings] of several starts
  std::vector<float> resolution;             ///< [N] full period in object pixels where the PRTF meets 1/e
  std::vector<float> free_log_likelihood;    ///< [N] on pixels held out
  std::vector<float> unwrapped_phase;        ///< [N, n, n] radians, 0 outside the support
  std::string recipe;                        ///< of the input
  std::string model, schedule, starts;       ///< kept as attributes of the file
};

/// HDF5: /objects complex64 (compound r, i), /support uint8, /frames int32, all else float32 under its name
/// above, /recipe. Replaces the file as a whole. Throws std::runtime_error naming the path.
void write_results(const std::string& path, const ReconstructionResults& results);

}  // namespace flashphase::tools
