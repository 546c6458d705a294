#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace flashphase {

/// Patterns with, where known, their objects: the file that every tool which reads patterns reads.
///
/// HDF5: /patterns float32 [N, m, m] photons, NaN = not measured; /objects complex64 [N, n, n] (compound r,
/// i; optional); /mask integers or booleans [m, m] or [N, m, m] (optional, see mask.h); /recipe the YAML text
/// of the simulation (optional, scalar string). Patterns of integers are read too: what detectors mark gaps
/// and bad pixels with (see integer_range) becomes NaN.
struct Dataset {
  int count = 0;         ///< N
  int pattern_size = 0;  ///< m
  int object_size = 0;   ///< n; 0 = no objects
  std::vector<float> patterns;
  std::vector<std::complex<float>> objects;
  std::vector<std::uint8_t> mask;  ///< empty = everything is measured
  bool mask_per_pattern = false;
  std::string recipe;

  std::size_t pattern_cells() const {
    return static_cast<std::size_t>(pattern_size) * static_cast<std::size_t>(pattern_size);
  }
  std::size_t object_cells() const {
    return static_cast<std::size_t>(object_size) * static_cast<std::size_t>(object_size);
  }
  std::span<const float> pattern(std::size_t i) const {
    return {patterns.data() + i * pattern_cells(), pattern_cells()};
  }
  std::span<const std::complex<float>> object(std::size_t i) const {
    return {objects.data() + i * object_cells(), object_cells()};
  }
  /// The mask of pattern i; empty when the dataset has none.
  std::span<const std::uint8_t> measured(std::size_t i) const {
    if (mask.empty()) return {};
    return {mask.data() + (mask_per_pattern ? i * pattern_cells() : 0), pattern_cells()};
  }
};

/// An open dataset file, read in pieces. Every member throws std::runtime_error with one sentence when the
/// file does not give what it says it has. Takes no lock. Thread: one at a time.
class DatasetReader {
 public:
  /// Throws when the file is missing, not HDF5, without /patterns, or has shapes or types that do not fit.
  explicit DatasetReader(std::string path);
  ~DatasetReader();
  DatasetReader(const DatasetReader&) = delete;
  DatasetReader& operator=(const DatasetReader&) = delete;

  std::size_t count() const;
  int pattern_size() const;
  int object_size() const;  ///< 0 = no objects
  const std::string& path() const;
  const std::string& recipe() const;  ///< empty = none
  /// Throws std::invalid_argument where there is none.
  void require_patterns() const;

  /// `limit` patterns from `first` on, fewer at the end of the file. Holds them and nothing else.
  Dataset read(std::size_t first = 0, std::size_t limit = SIZE_MAX) const;
  /// The patterns of these numbers, in their order. Throws std::out_of_range for one that is not there.
  Dataset read(std::span<const int> frames) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// What DatasetReader(path).read(first, limit) gives.
Dataset read_dataset(const std::string& path, std::size_t first = 0, std::size_t limit = SIZE_MAX);

/// How many pixels are measured: not masked, and a number.
struct MeasuredShare {
  std::size_t measured = 0, pixels = 0;

  double share() const {
    return pixels > 0 ? static_cast<double>(measured) / static_cast<double>(pixels) : 0;
  }
  /// "3840 of 4096 pixels are measured (93.8 %)"; below half goes on with a doubt about the mask.
  std::string text() const;
};
MeasuredShare measured_share(const Dataset& dataset);

/// Writes the whole at once. Throws as DatasetWriter does.
void write_dataset(const std::string& path, const Dataset& dataset);

struct PackedPiece;

/// Writes a dataset piece by piece, compressed (see pack()). The file appears under its name with finish();
/// until then, and when finish() is never reached, only `path`.part exists (and is removed). Throws
/// std::runtime_error when the disk does not take it and std::invalid_argument when a piece does not fit the
/// first one, or follows one that did not fill its chunks: each but the last holds a multiple of 1024
/// patterns, or of the next power of two below 256 KiB for each array.
class DatasetWriter {
 public:
  /// Sizes, presence of objects and of masks, a common mask and the recipe are those of the first piece.
  explicit DatasetWriter(std::string path);
  ~DatasetWriter();
  DatasetWriter(const DatasetWriter&) = delete;
  DatasetWriter& operator=(const DatasetWriter&) = delete;

  void append(const Dataset& piece);
  void append(const PackedPiece& piece);
  void finish();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace flashphase
