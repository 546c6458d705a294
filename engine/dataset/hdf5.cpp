#include "engine/dataset/hdf5.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "engine/dataset/sources.h"

namespace flashphase::hdf5 {
namespace {

/// Whether what HDF5 failed with last says that another program has the file open for writing, or had when it
/// crashed.
bool says_open_for_writing() {
  bool found = false;
  const auto look = [](unsigned, const H5E_error2_t* error, void* to) -> herr_t {
    if (error->desc != nullptr &&
        std::string_view(error->desc).find("already open for write") != std::string::npos)
      *static_cast<bool*>(to) = true;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, &found);
  return found;
}

/// Whether another program holds the lock with which HDF5 guards a file that it writes. Asks without locking.
bool write_locked(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  std::array<char, 64> id{};
  std::snprintf(id.data(), id.size(), "%02x:%02x:%llu", major(status.st_dev), minor(status.st_dev),
                static_cast<unsigned long long>(status.st_ino));
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);)
    if (line.find("FLOCK") != std::string::npos && line.find("WRITE") != std::string::npos &&
        line.find(id.data()) != std::string::npos)
      return true;
  return false;
}

}  // namespace

Handle complex_type() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(std::complex<float>)), H5Tclose);
  H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT);
  H5Tinsert(type, "i", sizeof(float), H5T_NATIVE_FLOAT);
  return type;
}

bool is_complex(hid_t type) {
  return H5Tget_class(type) == H5T_COMPOUND && H5Tget_nmembers(type) == 2 &&
         H5Tget_member_index(type, "r") >= 0 && H5Tget_member_index(type, "i") >= 0;
}

Handle text_type(const std::string& text) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(text.size(), 1));
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Handle boolean_type() {
  Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
  for (const auto& [name, value] : {std::pair("FALSE", std::int8_t{0}), std::pair("TRUE", std::int8_t{1})})
    H5Tenum_insert(type, name, &value);
  return type;
}

bool is_boolean(hid_t type) {
  return H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1;
}

std::string text_of(const std::vector<hsize_t>& shape) {
  std::string text = "[";
  for (const hsize_t length : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(length);
  return text + "]";
}

InputFile::InputFile(std::string kind, std::string path) : kind_(std::move(kind)), path_(std::move(path)) {
  const Quiet quiet;
  std::error_code error;
  const auto status = std::filesystem::status(path_, error);
  if (!std::filesystem::exists(status)) fail("no such file");
  if (std::filesystem::is_directory(status)) fail("is a folder, not an HDF5 file");
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access, false, true);
  file_ = Handle(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (file_) return;
  if (says_open_for_writing())
    fail("open for writing by another program (or by one that crashed: h5clear -s makes it readable again)");
  fail("not an HDF5 file, damaged, or not readable");
}

bool InputFile::half_written() const {
  return write_locked(path_);
}

void InputFile::fail(const std::string& reason) const {
  throw std::runtime_error(kind_ + " '" + path_ + "': " + reason +
                           (half_written() ? "; it is open for writing by another program" : ""));
}

bool InputFile::has(const std::string& name) const {
  return H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0;
}

Array InputFile::open(const std::string& name) const {
  const Quiet quiet;
  Array array;
  array.name = name;
  array.id = Handle(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (!array.id) fail(name + (has(name) ? " is not an array that can be opened" : " is missing"));
  array.type = Handle(H5Dget_type(array.id), H5Tclose);
  const Handle space(H5Dget_space(array.id), H5Sclose);
  array.shape.resize(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, array.shape.data(), nullptr);
  if (const std::string problem = problem_of(path_, array); !problem.empty()) fail(problem);
  return array;
}

void InputFile::read(const Array& array, hid_t memory_type, void* out) const {
  const Quiet quiet;
  if (H5Dread(array.id, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
    fail(array.name + " cannot be read (damaged or truncated)");
}

void InputFile::read_rows(const Array& array, std::size_t first, std::size_t count, hid_t memory_type,
                          void* out) const {
  if (count == 0) return;
  const Quiet quiet;
  std::vector<hsize_t> start(array.shape.size(), 0), extent = array.shape;
  start[0] = first;
  extent[0] = count;
  const Handle in_file(H5Dget_space(array.id), H5Sclose);
  const Handle in_memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) < 0 ||
      H5Dread(array.id, memory_type, in_memory, in_file, H5P_DEFAULT, out) < 0)
    fail(array.name + " cannot be read (damaged or truncated)");
}

std::vector<long long> InputFile::read_integers(const Array& array, std::size_t first,
                                                std::size_t count) const {
  std::size_t row = 1;
  for (std::size_t axis = 1; axis < array.shape.size(); ++axis) row *= array.shape[axis];
  std::vector<long long> values(count * row);
  if (is_boolean(array.type)) {
    std::vector<std::uint8_t> bytes(values.size());
    read_rows(array, first, count, array.type, bytes.data());
    std::ranges::copy(bytes, values.begin());
  } else {
    read_rows(array, first, count, H5T_NATIVE_LLONG, values.data());
  }
  return values;
}

std::string InputFile::read_text(const std::string& name) const {
  const Quiet quiet;
  const Array array = open(name);
  const Handle space(H5Dget_space(array.id), H5Sclose);
  if (H5Tget_class(array.type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
    fail(name + " must be one string");
  const Handle memory_type(H5Tcopy(array.type), H5Tclose);
  if (H5Tis_variable_str(array.type) > 0) {
    char* text = nullptr;
    read(array, memory_type, &text);
    std::string copy = text == nullptr ? "" : text;
    H5free_memory(text);
    return copy;
  }
  std::string text(H5Tget_size(array.type), '\0');
  read(array, memory_type, text.data());
  return text.substr(0, text.find('\0'));
}

}  // namespace flashphase::hdf5
