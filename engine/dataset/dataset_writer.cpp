#include <stdexcept>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/dataset/packed.h"

namespace flashphase {

/// The growing file and its arrays.
struct DatasetWriter::File {
  std::string path;
  hdf5::OutputFile out;
  std::vector<hdf5::Handle> arrays;  // in the order of packed_arrays
  Dataset like;                      // sizes of the first piece
  hsize_t rows = 0;

  ~File() { out.abandon(); }

  void start(const Dataset& first) {
    like = first;
    const auto m = static_cast<hsize_t>(like.pattern_size), n = static_cast<hsize_t>(like.object_size);
    out.create(path);
    arrays.push_back(out.add_rows("/patterns", H5T_NATIVE_FLOAT, {m, m}, true));
    if (n > 0) arrays.push_back(out.add_rows("/objects", hdf5::complex_type(), {n, n}, true));
    if (like.mask_per_pattern) arrays.push_back(out.add_rows("/mask", H5T_NATIVE_UINT8, {m, m}, true));
    if (!like.mask.empty()) out.add_array("/mask", H5T_NATIVE_UINT8, {m, m}, like.mask.data());
    if (!like.recipe.empty()) out.add_text("/recipe", like.recipe);
  }
};

DatasetWriter::DatasetWriter(std::string path) : file_(std::make_unique<File>()) {
  file_->path = std::move(path);
}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::append(const Dataset& piece) {
  append(pack(piece));
}

void DatasetWriter::append(const PackedPiece& piece) {
  File& file = *file_;
  if (!file.out.is_open()) file.start(piece.like);
  if (piece.like.pattern_size != file.like.pattern_size || piece.like.object_size != file.like.object_size ||
      piece.like.mask_per_pattern != file.like.mask_per_pattern)
    throw std::invalid_argument("dataset to write: a piece differs in sizes or masks from the first one");
  const auto count = static_cast<hsize_t>(piece.like.count);
  auto chunk = piece.chunks.begin();
  auto array = file.arrays.begin();
  for (const PackedArray& packed : packed_arrays(file.like)) {
    if (file.rows % packed.chunk_rows != 0)
      throw std::invalid_argument("dataset to write: a piece that is not the last must fill its chunks");
    file.out.resize(*array, packed.name, file.rows + count);
    for (hsize_t first = 0; first < count; first += packed.chunk_rows)
      file.out.write_chunk(*array, packed.name, file.rows + first, *chunk++);
    ++array;
  }
  file.rows += count;
}

void DatasetWriter::finish() {
  File& file = *file_;
  if (!file.out.is_open()) throw std::invalid_argument("dataset to write: nothing was appended");
  file.arrays.clear();
  file.out.finish();
}

void write_dataset(const std::string& path, const Dataset& dataset) {
  DatasetWriter writer(path);
  writer.append(dataset);
  writer.finish();
}

}  // namespace flashphase
