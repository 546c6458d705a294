#include "tools/support_file.h"

#include <hdf5.h>

#include <algorithm>
#include <stdexcept>

#include "tools/hdf5_handle.h"

namespace flashphase::tools {
namespace {

std::string text_of(const std::vector<hsize_t>& shape) {
  std::string text = "[";
  for (const hsize_t length : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(length);
  return text + "]";
}

}  // namespace

std::span<const std::uint8_t> SupportFile::of(int frame) const {
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  return std::span(inside).subspan(per_frame ? static_cast<std::size_t>(frame) * cells : 0, cells);
}

SupportFile read_support(const std::string& path, int frames, int size) {
  const auto unreadable = [&](const char* why) {
    return std::runtime_error("support '" + path + "': " + why);
  };
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  if (H5Fis_hdf5(path.c_str()) <= 0) throw unreadable("is not an HDF5 file that can be read");
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (H5Lexists(file, "support", H5P_DEFAULT) <= 0) throw unreadable("has no /support");
  const Handle set(H5Dopen2(file, "support", H5P_DEFAULT), H5Dclose);
  const Handle type(H5Dget_type(set), H5Tclose);
  const Handle space(H5Dget_space(set), H5Sclose);
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);

  const auto n = static_cast<hsize_t>(size);
  const std::vector<hsize_t> common{n, n}, each{static_cast<hsize_t>(frames), n, n};
  const auto misfit = [&](const std::string& what) {
    return std::invalid_argument("support '" + path + "': /support " + what);
  };
  if (shape != common && shape != each)
    throw misfit("must have the shape " + text_of(common) + " or " + text_of(each) + ", not " +
                 text_of(shape));
  const bool boolean = H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1;  // numpy's bool
  if (H5Tget_class(type) != H5T_INTEGER && !boolean)
    throw misfit("must hold integers or booleans, not 0 = inside");

  SupportFile support{{}, shape.size() == 3, size};
  std::vector<int> values(static_cast<std::size_t>(n * n) *
                          (support.per_frame ? static_cast<std::size_t>(frames) : 1));
  if (boolean) {
    std::vector<std::uint8_t> bytes(values.size());
    if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) throw unreadable("is damaged");
    std::ranges::copy(bytes, values.begin());
  } else if (H5Dread(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    throw unreadable("is damaged");
  }
  support.inside.resize(values.size());
  std::ranges::transform(values, support.inside.begin(),
                         [](int value) -> std::uint8_t { return value != 0; });
  for (int frame = 0; frame < (support.per_frame ? frames : 1); ++frame) {
    if (std::ranges::count(support.of(frame), 1) == 0)
      throw misfit(support.per_frame ? "is empty for frame " + std::to_string(frame) : "is empty");
  }
  return support;
}

}  // namespace flashphase::tools
