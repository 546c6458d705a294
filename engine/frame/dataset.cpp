#include "engine/frame/dataset.h"

#include <algorithm>
#include <climits>
#include <filesystem>

#include "engine/frame/dataset_hdf5.h"

namespace flashphase {

using namespace dataset_hdf5;

namespace {

bool is_complex(hid_t type) {
  return H5Tget_class(type) == H5T_COMPOUND && H5Tget_nmembers(type) == 2 &&
         H5Tget_member_index(type, "r") >= 0 && H5Tget_member_index(type, "i") >= 0;
}

/// A dataset of the file with its shape and type.
struct Array {
  Handle id;
  Handle type;
  std::vector<hsize_t> shape;
};

Array open_array(const std::string& path, hid_t file, const std::string& name) {
  Array array;
  array.id = Handle(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!array.id) fail(path, name + " is not a dataset that can be opened");
  array.type = Handle(H5Dget_type(array.id), H5Tclose);
  const Handle space(H5Dget_space(array.id), H5Sclose);
  array.shape.resize(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, array.shape.data(), nullptr);
  return array;
}

bool exists(hid_t file, const char* name) {
  return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

std::string text_of(const std::vector<hsize_t>& shape) {
  std::string text = "[";
  for (const hsize_t length : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(length);
  return text + "]";
}

/// Reads rows [first, first + count) of the leading axis into `out`.
void read_rows(const std::string& path, const Array& array, const std::string& name, std::size_t first,
               std::size_t count, hid_t memory_type, void* out) {
  if (count == 0) return;
  std::vector<hsize_t> start(array.shape.size(), 0), extent = array.shape;
  start[0] = first;
  extent[0] = count;
  const Handle in_file(H5Dget_space(array.id), H5Sclose);
  const Handle in_memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
      H5Dread(array.id, memory_type, in_memory, in_file, H5P_DEFAULT, out) < 0)
    fail(path, name + " cannot be read (damaged, truncated, or a compression filter is missing)");
}

/// [N, side, side] with one N for the whole file.
int square_side(const std::string& path, const Array& array, const std::string& name) {
  const auto& shape = array.shape;
  if (shape.size() != 3 || shape[1] != shape[2] || shape[1] == 0 || shape[1] > 16384)
    fail(path, name + " must have the shape [N, size, size], not " + text_of(shape));
  return static_cast<int>(shape[1]);
}

void read_mask(const std::string& path, hid_t file, std::size_t total, std::size_t first, Dataset& dataset) {
  const Array mask = open_array(path, file, "/mask");
  const auto m = static_cast<hsize_t>(dataset.pattern_size);
  dataset.mask_per_pattern = mask.shape.size() == 3;
  const std::vector<hsize_t> common{m, m}, each{total, m, m};
  if (mask.shape != (dataset.mask_per_pattern ? each : common))
    fail(path, "/mask must have the shape " + text_of(common) + " or " + text_of(each) + ", not " +
                   text_of(mask.shape));
  const H5T_class_t kind = H5Tget_class(mask.type);
  const bool boolean = kind == H5T_ENUM && H5Tget_size(mask.type) == 1;  // numpy's bool
  if (kind != H5T_INTEGER && !boolean) fail(path, "/mask must be uint8, 1 = measured");
  const hid_t memory_type = boolean ? static_cast<hid_t>(mask.type) : H5T_NATIVE_UINT8;
  const auto rows = dataset.mask_per_pattern ? static_cast<std::size_t>(dataset.count) : m;
  dataset.mask.resize(dataset.pattern_cells() * (dataset.mask_per_pattern ? rows : 1));
  read_rows(path, mask, "/mask", dataset.mask_per_pattern ? first : 0, rows, memory_type,
            dataset.mask.data());
}

std::string read_text(const std::string& path, hid_t file, const std::string& name) {
  const Array array = open_array(path, file, name);
  const Handle space(H5Dget_space(array.id), H5Sclose);
  if (H5Tget_class(array.type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
    fail(path, name + " must be one string");
  const auto unreadable = [&] { fail(path, name + " cannot be read"); };
  const Handle memory_type(H5Tcopy(array.type), H5Tclose);
  if (H5Tis_variable_str(array.type) > 0) {
    char* text = nullptr;
    if (H5Dread(array.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text) < 0) unreadable();
    std::string copy = text == nullptr ? "" : text;
    H5free_memory(text);
    return copy;
  }
  std::string text(H5Tget_size(array.type), '\0');
  if (H5Dread(array.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()) < 0) unreadable();
  return text.substr(0, text.find('\0'));
}

}  // namespace

Dataset read_dataset(const std::string& path, std::size_t first, std::size_t limit) {
  const QuietLibrary quiet;
  if (!std::filesystem::exists(path)) fail(path, "no such file");
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!file) fail(path, "not an HDF5 file, damaged, or not readable");
  if (!exists(file, "/patterns")) fail(path, "has no /patterns (float32 [N, m, m])");

  Dataset dataset;
  const Array patterns = open_array(path, file, "/patterns");
  dataset.pattern_size = square_side(path, patterns, "/patterns");
  const H5T_class_t kind = H5Tget_class(patterns.type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(path, "/patterns must be numbers (float32)");
  const std::size_t total = patterns.shape[0];
  first = std::min(first, total);
  const std::size_t count = std::min(limit, total - first);
  if (count > INT_MAX) fail(path, "holds more patterns than can be read at once");
  dataset.count = static_cast<int>(count);
  dataset.patterns.resize(count * dataset.pattern_cells());
  read_rows(path, patterns, "/patterns", first, count, H5T_NATIVE_FLOAT, dataset.patterns.data());

  if (exists(file, "/objects")) {
    const Array objects = open_array(path, file, "/objects");
    dataset.object_size = square_side(path, objects, "/objects");
    if (!is_complex(objects.type)) fail(path, "/objects must be complex64 (a compound of r and i)");
    if (objects.shape[0] != total)
      fail(path, "/objects holds " + std::to_string(objects.shape[0]) + " images for " +
                     std::to_string(total) + " patterns");
    dataset.objects.resize(count * dataset.object_cells());
    read_rows(path, objects, "/objects", first, count, complex_type(), dataset.objects.data());
  }
  if (exists(file, "/mask")) read_mask(path, file, total, first, dataset);
  if (exists(file, "/recipe")) dataset.recipe = read_text(path, file, "/recipe");
  return dataset;
}

}  // namespace flashphase
