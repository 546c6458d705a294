#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/dataset/descriptor.h"
#include "engine/dataset/packed.h"

namespace flashphase {

/// CRC-32, as gzip's.
std::uint32_t checksum(std::string_view bytes);

/// The pieces of a dataset that is being made, each on the disk with its checksum as soon as it is whole:
/// whatever ends the program, the next run goes on behind the last of them. HDF5 files do not survive that.
///
/// Stays when it is destroyed, unless it holds nothing. Throws std::runtime_error with one sentence when the
/// disk does not take a piece, which is cut off then. Thread: one.
class PieceLog {
 public:
  /// `origin` says all that the patterns depend on; the pieces hold `piece_rows` patterns of `count`, the
  /// last one what is left. With `go_on` keeps the pieces that are there, as far as they are whole and of
  /// these sizes. Throws std::invalid_argument when another origin made them, when `path` is something else,
  /// and when another program is writing it.
  PieceLog(std::string path, const std::string& origin, Dataset like, std::size_t piece_rows,
           std::size_t count, bool go_on);
  ~PieceLog();
  PieceLog(const PieceLog&) = delete;
  PieceLog& operator=(const PieceLog&) = delete;

  std::size_t patterns() const { return patterns_; }
  void append(const PackedPiece& piece);
  void copy_to(DatasetWriter& writer) const;
  /// For good, its content being somewhere else.
  void remove();

 private:
  bool read_record(std::size_t at, std::string& record) const;
  PackedPiece piece_of(const std::string& record) const;
  void begin(const std::string& origin);
  void write(std::string_view before, const std::string& record);
  void keep_whole_pieces(const std::string& origin, std::size_t piece_rows, std::size_t count);

  std::string path_;
  Dataset like_;
  Descriptor file_;
  std::size_t patterns_ = 0, first_ = 0,
              end_ = 0;  // end_: bytes that are whole, first_: of them before pieces
};

}  // namespace flashphase
