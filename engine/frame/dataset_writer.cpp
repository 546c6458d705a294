#include <algorithm>
#include <array>
#include <filesystem>

#include "engine/frame/dataset.h"
#include "engine/frame/dataset_hdf5.h"

namespace flashphase {

using namespace dataset_hdf5;

/// The open file and its growing arrays.
struct DatasetWriter::File {
  std::string path;  // as the user knows it
  Handle id;
  Handle patterns, objects, mask;
  Dataset like;  // sizes of the first piece, without its content
  hsize_t rows = 0;

  std::string temporary() const { return path + ".part"; }

  Handle create(const char* name, hid_t type, std::vector<hsize_t> shape, bool compress) {
    std::vector<hsize_t> largest = shape, chunk = shape;
    largest[0] = H5S_UNLIMITED;
    chunk[0] = std::max<hsize_t>(1, 1048576 / (shape[1] * shape[2] * H5Tget_size(type)));
    const Handle space(H5Screate_simple(3, shape.data(), largest.data()), H5Sclose);
    const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(layout, 3, chunk.data());
    if (compress && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) H5Pset_deflate(layout, 1);
    Handle made(H5Dcreate2(id, name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT), H5Dclose);
    if (!made) fail(path, std::string(name) + " cannot be made");
    return made;
  }

  void write_whole(const char* name, hid_t type, hid_t space, const void* content) {
    const Handle made(H5Dcreate2(id, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
    if (!made || H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) < 0)
      fail(path, std::string(name) + " cannot be written");
  }

  void write_text(const char* name, const std::string& text) {
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const char* content = text.c_str();
    write_whole(name, type, space, &content);
  }

  void start(const Dataset& piece) {
    like.pattern_size = piece.pattern_size;
    like.object_size = piece.object_size;
    like.mask_per_pattern = piece.mask_per_pattern;
    const auto m = static_cast<hsize_t>(piece.pattern_size), n = static_cast<hsize_t>(piece.object_size);
    id = Handle(H5Fcreate(temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    if (!id) fail(path, "cannot be created (does the folder exist and may it be written?)");
    patterns = create("/patterns", H5T_NATIVE_FLOAT, {0, m, m}, false);
    if (n > 0) objects = create("/objects", complex_type(), {0, n, n}, false);
    if (piece.mask_per_pattern) mask = create("/mask", H5T_NATIVE_UINT8, {0, m, m}, true);
    if (!piece.mask.empty() && !piece.mask_per_pattern) {
      const std::array<hsize_t, 2> shape{m, m};
      const Handle space(H5Screate_simple(2, shape.data(), nullptr), H5Sclose);
      write_whole("/mask", H5T_NATIVE_UINT8, space, piece.mask.data());
    }
    if (!piece.recipe.empty()) write_text("/recipe", piece.recipe);
  }

  void extend(hid_t array, const char* name, hid_t type, int side, hsize_t count, const void* content) {
    const auto length = static_cast<hsize_t>(side);
    const std::array<hsize_t, 3> whole{rows + count, length, length}, start_at{rows, 0, 0},
        part{count, length, length};
    if (H5Dset_extent(array, whole.data()) < 0) fail(path, std::string(name) + " cannot be extended");
    const Handle in_file(H5Dget_space(array), H5Sclose);
    const Handle in_memory(H5Screate_simple(3, part.data(), nullptr), H5Sclose);
    if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start_at.data(), nullptr, part.data(), nullptr) < 0 ||
        H5Dwrite(array, type, in_memory, in_file, H5P_DEFAULT, content) < 0)
      fail(path, std::string(name) + " cannot be written (is the disk full?)");
  }
};

namespace {

void check(const Dataset& piece) {
  const auto refuse = [](const char* what) {
    throw std::invalid_argument(std::string("dataset to write: ") + what);
  };
  const auto count = static_cast<std::size_t>(std::max(0, piece.count));
  if (piece.count < 0 || piece.pattern_size < 1 || piece.patterns.size() != count * piece.pattern_cells())
    refuse("patterns must hold count * pattern_size * pattern_size values");
  if (piece.object_size < 0 || piece.objects.size() != count * piece.object_cells())
    refuse("objects must hold count * object_size * object_size values");
  const std::size_t masks = piece.mask_per_pattern ? count : 1;
  if ((piece.mask_per_pattern || !piece.mask.empty()) && piece.mask.size() != masks * piece.pattern_cells())
    refuse("mask must hold one mask, or one for each pattern");
}

}  // namespace

DatasetWriter::DatasetWriter(std::string path) : file_(std::make_unique<File>()) {
  file_->path = std::move(path);
}

DatasetWriter::~DatasetWriter() {
  if (!file_->id) return;
  const std::string leftover = file_->temporary();
  {
    const QuietLibrary quiet;
    file_.reset();
  }
  std::error_code ignored;
  std::filesystem::remove(leftover, ignored);
}

void DatasetWriter::append(const Dataset& piece) {
  check(piece);
  const QuietLibrary quiet;
  File& file = *file_;
  if (!file.id) file.start(piece);
  if (piece.pattern_size != file.like.pattern_size || piece.object_size != file.like.object_size ||
      piece.mask_per_pattern != file.like.mask_per_pattern)
    throw std::invalid_argument("dataset to write: a piece differs in sizes or masks from the first one");
  if (piece.count == 0) return;
  const auto count = static_cast<hsize_t>(piece.count);
  file.extend(file.patterns, "/patterns", H5T_NATIVE_FLOAT, piece.pattern_size, count, piece.patterns.data());
  if (file.objects)
    file.extend(file.objects, "/objects", complex_type(), piece.object_size, count, piece.objects.data());
  if (file.mask)
    file.extend(file.mask, "/mask", H5T_NATIVE_UINT8, piece.pattern_size, count, piece.mask.data());
  file.rows += count;
}

void DatasetWriter::finish() {
  File& file = *file_;
  {
    const QuietLibrary quiet;
    if (!file.id) throw std::invalid_argument("dataset to write: nothing was appended");
    const bool flushed = H5Fflush(file.id, H5F_SCOPE_LOCAL) >= 0;
    file.patterns = Handle();
    file.objects = Handle();
    file.mask = Handle();
    if (!flushed) fail(file.path, "cannot be written (is the disk full?)");
    file.id = Handle();
  }
  std::error_code error;
  std::filesystem::rename(file.temporary(), file.path, error);
  if (error) fail(file.path, "cannot be put in place: " + error.message());
}

void write_dataset(const std::string& path, const Dataset& dataset) {
  DatasetWriter writer(path);
  writer.append(dataset);
  writer.finish();
}

}  // namespace flashphase
