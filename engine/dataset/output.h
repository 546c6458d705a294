#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/dataset/hdf5.h"

// Files that work makes: asked for before the work, there whole or not at all after it.
namespace flashphase {

/// Whether an output can be had, before the work that fills it. Throws std::invalid_argument with one
/// sentence when its folder is missing or takes no file, when it is a folder or device, when it is one of the
/// `inputs` (by whatever name), or when it is there already and `overwrite` is not given. Leaves nothing
/// behind.
void check_output(const std::string& path, bool overwrite, std::initializer_list<std::string> inputs = {});

/// Writes a file of these bytes: under its name when they are on the disk, and the old one whole until then.
/// Throws std::runtime_error with one sentence.
void write_whole(const std::string& path, std::string_view bytes);

/// Puts a finished file in another's place, on the disk before it is seen. Throws std::runtime_error.
void put_in_place(const std::filesystem::path& part, const std::filesystem::path& path);

namespace hdf5 {

/// Rows that lie in one chunk: a power of two, at most kChunkRows. A chunk is on the disk whole, however few
/// its rows.
inline constexpr hsize_t kChunkRows = 1024;
hsize_t chunk_rows(hsize_t row_bytes);

/// An HDF5 file that grows under the name `path`.part and appears under its own with finish(). Without that
/// the part is removed, whatever the disk says. Throws std::runtime_error with one sentence that names the
/// file. Thread: one at a time.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void create(std::string path);
  /// Between create() and finish().
  bool is_open() const { return static_cast<bool>(file_); }
  /// From here on nothing reaches the disk; finish() is out of the question. For owners that close arrays of
  /// a file that is not to be.
  void abandon();

  /// An array of rows of this shape, none yet. Compressed: shuffled and deflated, gzip's level 1.
  Handle add_rows(const std::string& name, hid_t type, std::vector<hsize_t> row, bool compress = false);
  /// Puts rows [first, first + count) there; those between are zeros until they are written.
  void write_rows(hid_t array, const std::string& name, hid_t type, hsize_t first, hsize_t count,
                  const void* content);
  /// The chunk that begins with row `first`, as its filters leave it; the array has to reach there.
  void write_chunk(hid_t array, const std::string& name, hsize_t first, std::string_view bytes);
  void resize(hid_t array, const std::string& name, hsize_t rows);
  void add_array(const std::string& name, hid_t type, const std::vector<hsize_t>& shape, const void* content);
  void add_text(const std::string& name, const std::string& text);
  void add_attribute(const std::string& name, const std::string& text);
  void add_number_attribute(const std::string& name, std::int64_t number);
  /// As h5py writes and reads it.
  void add_flag_attribute(const std::string& name, bool value);

  /// All its arrays have to be closed before.
  void finish();

 private:
  void write_attribute(const std::string& name, hid_t type, const void* content);
  [[noreturn]] void fail(const std::string& reason);
  std::string part() const { return path_ + ".part"; }

  std::string path_;
  Handle file_;
};

}  // namespace hdf5
}  // namespace flashphase
