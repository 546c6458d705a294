#pragma once

#include <hdf5.h>

#include <complex>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace flashphase::golden {

/// golden.h5, made by generate.py. A name that is not in it throws.
class GoldenFile {
 public:
  GoldenFile() : file_(H5Fopen(path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {
    if (file_ < 0) throw std::runtime_error("cannot read " + path());
  }
  ~GoldenFile() { H5Fclose(file_); }
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  std::vector<std::size_t> shape(const std::string& name) const {
    const hid_t dataset = open(name);
    const hid_t space = H5Dget_space(dataset);
    std::vector<hsize_t> sizes(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    if (!sizes.empty()) H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
    H5Sclose(space);
    H5Dclose(dataset);
    return {sizes.begin(), sizes.end()};
  }

  /// All values, row-major. Complex ones are stored with a last axis of two.
  template <class T>
  std::vector<T> read(const std::string& name) const {
    std::size_t count = 1;
    for (const std::size_t size : shape(name)) count *= size;
    if constexpr (std::is_same_v<T, std::complex<float>>) {
      std::vector<T> values(count / 2);
      fetch(name, H5T_NATIVE_FLOAT, values.data());
      return values;
    } else {
      std::vector<T> values(count);
      fetch(name, type_of(T{}), values.data());
      return values;
    }
  }

  double scalar(const std::string& name) const { return read<double>(name).at(0); }

 private:
  static std::string path() { return FLASHPHASE_GOLDEN_FILE; }

  static hid_t type_of(double) { return H5T_NATIVE_DOUBLE; }
  static hid_t type_of(float) { return H5T_NATIVE_FLOAT; }
  static hid_t type_of(int) { return H5T_NATIVE_INT; }
  static hid_t type_of(std::uint8_t) { return H5T_NATIVE_UINT8; }

  hid_t open(const std::string& name) const {
    const hid_t dataset = H5Dopen2(file_, name.c_str(), H5P_DEFAULT);
    if (dataset < 0) throw std::runtime_error("no " + name + " in " + path());
    return dataset;
  }

  void fetch(const std::string& name, hid_t type, void* values) const {
    const hid_t dataset = open(name);
    const herr_t status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
    if (status < 0) throw std::runtime_error("cannot read " + name + " of " + path());
  }

  hid_t file_;
};

}  // namespace flashphase::golden
