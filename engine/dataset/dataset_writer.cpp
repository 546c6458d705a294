#include <algorithm>
#include <stdexcept>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"

namespace flashphase {

/// The growing file and its arrays.
struct DatasetWriter::File {
  std::string path;
  hdf5::OutputFile out;
  hdf5::Handle patterns, objects, mask;
  Dataset like;  // sizes of the first piece, without its content
  hsize_t rows = 0;

  ~File() { out.abandon(); }

  void start(const Dataset& piece) {
    like.pattern_size = piece.pattern_size;
    like.object_size = piece.object_size;
    like.mask_per_pattern = piece.mask_per_pattern;
    const auto m = static_cast<hsize_t>(piece.pattern_size), n = static_cast<hsize_t>(piece.object_size);
    out.create(path);
    patterns = out.add_rows("/patterns", H5T_NATIVE_FLOAT, {m, m});
    if (n > 0) objects = out.add_rows("/objects", hdf5::complex_type(), {n, n});
    if (piece.mask_per_pattern) mask = out.add_rows("/mask", H5T_NATIVE_UINT8, {m, m}, true);
    if (!piece.mask.empty() && !piece.mask_per_pattern)
      out.add_array("/mask", H5T_NATIVE_UINT8, {m, m}, piece.mask.data());
    if (!piece.recipe.empty()) out.add_text("/recipe", piece.recipe);
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

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const Dataset& piece) {
  check(piece);
  File& file = *file_;
  if (!file.out.is_open()) file.start(piece);
  if (piece.pattern_size != file.like.pattern_size || piece.object_size != file.like.object_size ||
      piece.mask_per_pattern != file.like.mask_per_pattern)
    throw std::invalid_argument("dataset to write: a piece differs in sizes or masks from the first one");
  const auto count = static_cast<hsize_t>(piece.count);
  file.out.write_rows(file.patterns, "/patterns", H5T_NATIVE_FLOAT, file.rows, count, piece.patterns.data());
  if (file.objects)
    file.out.write_rows(file.objects, "/objects", hdf5::complex_type(), file.rows, count,
                        piece.objects.data());
  if (file.mask)
    file.out.write_rows(file.mask, "/mask", H5T_NATIVE_UINT8, file.rows, count, piece.mask.data());
  file.rows += count;
}

void DatasetWriter::finish() {
  File& file = *file_;
  if (!file.out.is_open()) throw std::invalid_argument("dataset to write: nothing was appended");
  file.patterns = hdf5::Handle();
  file.objects = hdf5::Handle();
  file.mask = hdf5::Handle();
  file.out.finish();
}

void write_dataset(const std::string& path, const Dataset& dataset) {
  DatasetWriter writer(path);
  writer.append(dataset);
  writer.finish();
}

}  // namespace flashphase
