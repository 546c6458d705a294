#pragma once

#include <hdf5.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

/// What all readers and writers of HDF5 files share.
namespace flashphase::hdf5 {

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
  /// The caller closes it.
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// While it lives HDF5 prints nothing on stderr in this thread. HDF5 does not clean up when the program ends:
/// it crashes there over a file that the disk did not take, and all files are closed by their owners.
class Quiet {
 public:
  Quiet() {
    static const herr_t once = H5dont_atexit();
    (void)once;
    H5Eget_auto2(H5E_DEFAULT, &print_, &context_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, context_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* context_ = nullptr;
};

/// complex64 as h5py writes and reads it: a compound of r and i.
Handle complex_type();
bool is_complex(hid_t type);
/// A string of the length it has. NumPy's bool is an enumeration of one byte.
Handle text_type(const std::string& text);
Handle boolean_type();
bool is_boolean(hid_t type);

/// "[2, 64, 64]"
std::string text_of(const std::vector<hsize_t>& shape);

/// An array of a file with its shape and type.
struct Array {
  std::string name;
  Handle id;
  Handle type;
  std::vector<hsize_t> shape;

  bool is_integer() const { return H5Tget_class(type) == H5T_INTEGER; }
  bool is_float() const { return H5Tget_class(type) == H5T_FLOAT; }
};

/// A file that is read. No lock is taken, so that it never stands in the way of a program that writes it. All
/// members throw std::runtime_error with one sentence that begins with `kind` 'path'. Thread: one at a time.
class InputFile {
 public:
  /// Throws when there is no such file, it is not HDF5, or another program has it half written.
  InputFile(std::string kind, std::string path);

  bool has(const std::string& name) const;
  /// Throws when the array is not there or cannot be read whole: a filter that this HDF5 lacks, sources of a
  /// virtual array or external storage missing or too short (HDF5 would give zeros without a word).
  Array open(const std::string& name) const;
  /// Rows [first, first + count) of the leading axis, or all there is.
  void read(const Array& array, hid_t memory_type, void* out) const;
  void read_rows(const Array& array, std::size_t first, std::size_t count, hid_t memory_type,
                 void* out) const;
  /// Integers or booleans, whatever their width and sign.
  std::vector<long long> read_integers(const Array& array, std::size_t first, std::size_t count) const;
  std::string read_text(const std::string& name) const;

  hid_t id() const { return file_; }
  const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& reason) const;

 private:
  bool half_written() const;

  std::string kind_, path_;
  Handle file_;
};

}  // namespace flashphase::hdf5
