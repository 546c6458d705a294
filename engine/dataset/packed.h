#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"

namespace flashphase {

/// One array of a dataset's file that has a row for each pattern.
struct PackedArray {
  const char* name;
  std::size_t value_bytes, row_bytes;
  std::size_t chunk_rows;
};

/// /patterns, then /objects where there are any, then /mask where each pattern has its own.
std::vector<PackedArray> packed_arrays(const Dataset& like);

/// Patterns of a dataset as they lie in its file: all chunks of its first array, then those of the next, each
/// shuffled and deflated as HDF5's filters do it. The last one of an array is filled up with zeros.
struct PackedPiece {
  Dataset like;  ///< count, sizes, recipe and common mask; neither patterns nor objects
  std::vector<std::string> chunks;
};

/// The content of a dataset that is left when its arrays are taken away.
Dataset without_arrays(const Dataset& piece);

/// The same bytes for any number of threads. Throws std::invalid_argument when the piece's sizes do not
/// agree.
PackedPiece pack(const Dataset& piece, int threads = 1);

/// How many chunks of each of its arrays so many patterns fill, added up.
std::size_t chunk_count(const Dataset& like, std::size_t patterns);

}  // namespace flashphase
