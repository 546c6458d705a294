#pragma once

#include <hdf5.h>

#include <complex>
#include <stdexcept>
#include <string>
#include <utility>

// What reading and writing of datasets share; for dataset.cpp and dataset_writer.cpp alone.
namespace flashphase::dataset_hdf5 {

[[noreturn]] inline void fail(const std::string& path, const std::string& reason) {
  throw std::runtime_error("dataset '" + path + "': " + reason);
}

/// One HDF5 identifier; closed by the function that fits its kind.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// While it lives HDF5 prints nothing on stderr in this thread.
class QuietLibrary {
 public:
  QuietLibrary() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &context_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~QuietLibrary() { H5Eset_auto2(H5E_DEFAULT, print_, context_); }
  QuietLibrary(const QuietLibrary&) = delete;
  QuietLibrary& operator=(const QuietLibrary&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* context_ = nullptr;
};

/// complex64 as h5py writes and reads it.
inline Handle complex_type() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(std::complex<float>)), H5Tclose);
  H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT);
  H5Tinsert(type, "i", sizeof(float), H5T_NATIVE_FLOAT);
  return type;
}

}  // namespace flashphase::dataset_hdf5
