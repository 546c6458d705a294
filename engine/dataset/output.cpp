#include "engine/dataset/output.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/dataset/descriptor.h"

namespace flashphase {
namespace fs = std::filesystem;

namespace {

constexpr hsize_t kChunkBytes = 262144;

/// A link is followed: what it leads to is replaced, not the link.
fs::path target_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path target = fs::weakly_canonical(path, error);
  return error ? fs::path(path) : target;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string reason_of(int error) {
  if (error == ENOSPC || error == EDQUOT) return "the disk is full";
  return std::strerror(error);
}

void cannot_write(const std::string& path, const std::string& why) {
  throw std::runtime_error("cannot write '" + path + "': " + why);
}

void check_output(const std::string& path, bool overwrite, std::initializer_list<std::string> inputs) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument("output '" + path + "': " + why);
  };
  if (path.empty()) refuse("name a file");
  std::error_code error;
  const fs::path target = target_of(path);
  for (const std::string& input : inputs)
    if (!input.empty() && (fs::equivalent(target, input, error) ||
                           fs::weakly_canonical(target, error) == fs::weakly_canonical(input, error)))
      refuse("is the input '" + input + "', which would be lost; name another file");
  const fs::file_status status = fs::status(target, error);
  if (fs::is_directory(status)) refuse("is a folder; name a file in it");
  if (fs::exists(status) && !fs::is_regular_file(status)) refuse("is not a regular file");
  if (fs::exists(status) && !overwrite) refuse("is there already; --overwrite replaces it");
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error)) refuse("there is no folder '" + folder.string() + "'");
  std::string probe = (folder / ".flashphase-XXXXXX").string();
  const int made = mkstemp(probe.data());
  if (made < 0) refuse("no file can be made in '" + folder.string() + "': " + reason_of(errno));
  ::close(made);
  ::unlink(probe.c_str());
}

void put_in_place(const fs::path& part, const fs::path& path) {
  const auto checked = [&](int status) {
    if (status == 0) return;
    const int error = errno;
    ::unlink(part.c_str());
    cannot_write(path, reason_of(error));
  };
  {
    const Descriptor file(::open(part.c_str(), O_RDONLY | O_CLOEXEC));
    checked(file < 0 ? -1 : ::fsync(file));
  }
  checked(::rename(part.c_str(), target_of(path).c_str()));
}

void write_whole(const std::string& path, std::string_view bytes) {
  const std::string part = path + ".part";
  const auto checked = [&](bool good) {
    if (good) return;
    const int error = errno;
    ::unlink(part.c_str());
    cannot_write(path, reason_of(error));
  };
  {
    const Descriptor file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file < 0) cannot_write(path, reason_of(errno));
    checked(write_all(file, bytes));
  }
  put_in_place(part, path);
}

namespace hdf5 {

void OutputFile::fail(const std::string& reason) {
  abandon();
  ::unlink(part().c_str());
  cannot_write(path_, reason);
}

/// HDF5 gives up on a file that the disk does not take, but tries to write what it still holds when it closes
/// it, and again when the program ends, and crashes then. So what is left goes into memory that is thrown
/// away.
void OutputFile::abandon() {
  if (!file_) return;
  const Quiet quiet;
  void* descriptor = nullptr;
  if (H5Fget_vfd_handle(file_, H5P_DEFAULT, &descriptor) < 0 || descriptor == nullptr) return;
  const Descriptor memory(memfd_create("flashphase-unwanted", MFD_CLOEXEC));
  if (memory >= 0) (void)::dup2(memory, *static_cast<int*>(descriptor));
  ::unlink(part().c_str());
}

OutputFile::~OutputFile() {
  abandon();
  const Quiet quiet;
  file_ = Handle();
}

void OutputFile::create(std::string path) {
  const Quiet quiet;
  path_ = std::move(path);
  errno = 0;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  file_ = Handle(H5Fcreate(part().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  if (!file_) fail(errno != 0 ? reason_of(errno) : "HDF5 cannot create it");
}

hsize_t chunk_rows(hsize_t row_bytes) {
  return std::bit_floor(std::clamp<hsize_t>(kChunkBytes / std::max<hsize_t>(1, row_bytes), 1, kChunkRows));
}

Handle OutputFile::add_rows(const std::string& name, hid_t type, std::vector<hsize_t> row, bool compress) {
  const Quiet quiet;
  hsize_t bytes = H5Tget_size(type);
  for (const hsize_t length : row) bytes *= length;
  std::vector<hsize_t> shape = row, largest = row, chunk = row;
  shape.insert(shape.begin(), 0);
  largest.insert(largest.begin(), H5S_UNLIMITED);
  chunk.insert(chunk.begin(), chunk_rows(bytes));
  const int axes = static_cast<int>(shape.size());
  const Handle space(H5Screate_simple(axes, shape.data(), largest.data()), H5Sclose);
  const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(layout, axes, chunk.data());
  H5Pset_obj_track_times(layout, false);  // the same content is the same file
  if (compress) {
    H5Pset_shuffle(layout);
    H5Pset_deflate(layout, 1);
  }
  Handle made(H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, layout, H5P_DEFAULT), H5Dclose);
  if (!made) fail(name + " cannot be made");
  return made;
}

void OutputFile::resize(hid_t array, const std::string& name, hsize_t rows) {
  const Quiet quiet;
  const Handle space(H5Dget_space(array), H5Sclose);
  std::vector<hsize_t> shape(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  shape[0] = rows;
  if (H5Dset_extent(array, shape.data()) < 0) fail(name + " cannot be extended (is the disk full?)");
}

void OutputFile::write_rows(hid_t array, const std::string& name, hid_t type, hsize_t first, hsize_t count,
                            const void* content) {
  if (count == 0) return;
  const Quiet quiet;
  std::vector<hsize_t> shape, start, part;
  {
    const Handle space(H5Dget_space(array), H5Sclose);
    shape.resize(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
    H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  }
  if (first + count > shape[0]) resize(array, name, first + count);
  start.assign(shape.size(), 0);
  start[0] = first;
  part = shape;
  part[0] = count;
  const Handle in_file(H5Dget_space(array), H5Sclose);
  const Handle in_memory(H5Screate_simple(static_cast<int>(part.size()), part.data(), nullptr), H5Sclose);
  if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start.data(), nullptr, part.data(), nullptr) < 0 ||
      H5Dwrite(array, type, in_memory, in_file, H5P_DEFAULT, content) < 0)
    fail(name + " cannot be written (is the disk full?)");
}

void OutputFile::write_chunk(hid_t array, const std::string& name, hsize_t first, std::string_view bytes) {
  const Quiet quiet;
  const Handle space(H5Dget_space(array), H5Sclose);
  std::vector<hsize_t> start(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  start[0] = first;
  if (H5Dwrite_chunk(array, H5P_DEFAULT, 0, start.data(), bytes.size(), bytes.data()) < 0)
    fail(name + " cannot be written (is the disk full?)");
}

void OutputFile::add_array(const std::string& name, hid_t type, const std::vector<hsize_t>& shape,
                           const void* content) {
  const Quiet quiet;
  const Handle space(shape.empty() ? H5Screate(H5S_SCALAR)
                                   : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                     H5Sclose);
  const Handle layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(layout, false);
  const Handle made(H5Dcreate2(file_, name.c_str(), type, space, H5P_DEFAULT, layout, H5P_DEFAULT), H5Dclose);
  if (!made || H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content) < 0)
    fail(name + " cannot be written (is the disk full?)");
}

void OutputFile::add_text(const std::string& name, const std::string& text) {
  add_array(name, text_type(text), {}, text.c_str());
}

void OutputFile::write_attribute(const std::string& name, hid_t type, const void* content) {
  const Quiet quiet;
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate2(file_, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute || H5Awrite(attribute, type, content) < 0) fail("attribute " + name + " cannot be written");
}

void OutputFile::add_attribute(const std::string& name, const std::string& text) {
  write_attribute(name, text_type(text), text.c_str());
}

void OutputFile::add_number_attribute(const std::string& name, std::int64_t number) {
  write_attribute(name, H5T_NATIVE_INT64, &number);
}

void OutputFile::add_flag_attribute(const std::string& name, bool value) {
  const auto byte = static_cast<std::int8_t>(value);
  write_attribute(name, boolean_type(), &byte);
}

void OutputFile::finish() {
  const Quiet quiet;
  if (H5Fflush(file_, H5F_SCOPE_GLOBAL) < 0) fail("the disk does not take it (is it full?)");
  const hid_t file = file_.release();
  if (H5Fclose(file) < 0) {
    ::unlink(part().c_str());
    fail("the disk does not take it (is it full?)");
  }
  put_in_place(part(), path_);
}

}  // namespace hdf5
}  // namespace flashphase
