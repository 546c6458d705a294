#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

namespace flashphase::tools {

/// What flashphase-reconstruct writes: N images of n x n pixels and their residuals.
struct ReconstructionResults {
  int count = 0;                             ///< N
  int size = 0;                              ///< n
  std::vector<std::complex<float>> objects;  ///< [N, n, n] the last result
  std::vector<std::uint8_t> support;         ///< [N, n, n]
  std::vector<float> residual;               ///< [N] after the network
  std::vector<float> refined_residual;       ///< [N] after the schedule; empty when there was none
  std::string recipe;                        ///< of the input; empty when it had none
  std::string model, schedule;               ///< kept as attributes of the file
};

/// HDF5: /objects complex64 (compound r, i), /support uint8, /residual and /refined_residual float32,
/// /recipe. Replaces the file as a whole. Throws std::runtime_error naming the path.
void write_results(const std::string& path, const ReconstructionResults& results);

}  // namespace flashphase::tools
