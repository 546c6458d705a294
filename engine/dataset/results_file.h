#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/frame/remarks.h"

namespace flashphase {

/// What a file says of each frame of the schedule explain (Outcome).
inline constexpr std::uint8_t kGivenUp = 0, kReproduced = 1, kExplained = 2;

/// Images of n x n pixels and how far to trust them, frame after frame. Empty = not there.
struct ReconstructionResults {
  std::vector<int> frames;                   ///< [N] their places in the input
  std::vector<std::complex<float>> objects;  ///< [N, n, n] the last result
  std::vector<std::uint8_t> support;         ///< [N, n, n]
  std::vector<float> residual;               ///< [N] before the schedule
  std::vector<float> refined_residual;       ///< [N] after it
  std::vector<float> agreement;              ///< [N] of several starts, 0 to 1; NaN where one sufficed
  std::vector<float> prtf;                   ///< [N, rings] of several starts
  std::vector<float> resolution;             ///< [N] full period in object pixels where the PRTF meets 1/e
  std::vector<float> free_log_likelihood;    ///< [N] on pixels held out
  /// [N] of a split test (score::split_counts): modulus chi^2 on the half of the counts that was seen, on the
  /// unseen one, and what counting noise alone leaves there.
  std::vector<float> split_seen, split_unseen, split_noise;
  std::vector<Remarks> remarks;         ///< [N] what speaks against it
  std::vector<std::uint8_t> explained;  ///< [N] of the schedule explain: one of the above
  std::vector<int> iterations;          ///< [N] of the same, all rounds together
  std::vector<float> unwrapped_phase;   ///< [N, n, n] radians, 0 outside the support
};

/// What all results of a file have in common.
struct ResultsHead {
  int size = 0;                               ///< n
  int rings = 0;                              ///< of the PRTF, m/2 + 1
  std::string recipe{};                       ///< of the input
  std::string model{}, schedule{}, starts{};  ///< kept as attributes of the file
  std::size_t frames_asked = 0;               ///< this too; how many there are to be when all is done
};

/// Writes results piece by piece, in any order. HDF5: /objects complex64 (compound r, i), /support and
/// /explained uint8, /frames and /iterations int32, /remarks uint16 of bits, the first the lowest, which the
/// attribute `remarks` of the file names, all else float32 under its name above, /recipe. Further attributes
/// of the file: those of the head, and `complete`, a boolean: whether it holds all frames that
/// were asked for. The file appears with finish(); throws std::runtime_error naming the path, after which
/// there will be none. Thread: one at a time.
class ResultsWriter {
 public:
  ResultsWriter(std::string path, ResultsHead head);
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  /// The piece begins at this row. All pieces have the same arrays.
  void write(std::size_t first, const ReconstructionResults& piece);
  /// The first `rows` rows, all of which have been written, are the file: a complete one where they are as
  /// many as were asked for.
  void finish(std::size_t rows);

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace flashphase
