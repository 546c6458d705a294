#include "engine/preprocess/calibration.h"

#include <hdf5.h>

#include <array>
#include <cmath>
#include <stdexcept>

namespace flashphase::preprocess {
namespace {

constexpr hsize_t kLargestEdge = 1 << 16;

/// HDF5 prints its error stack unless told otherwise; the sentences here say what matters.
class SilentErrors {
 public:
  SilentErrors() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~SilentErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  SilentErrors(const SilentErrors&) = delete;
  SilentErrors& operator=(const SilentErrors&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

template <herr_t (*kClose)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() {
    if (id_ >= 0) kClose(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

struct Shape {
  int height = 0;
  int width = 0;
};

template <class T>
Shape read_image(hid_t file, const std::string& path, const char* name, hid_t memory_type,
                 std::vector<T>& pixels) {
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error("calibration file " + path + ": dataset " + name + " " + what);
  };
  const Handle<H5Dclose> dataset(H5Dopen2(file, name, H5P_DEFAULT));
  if (dataset < 0) fail("is missing");
  const Handle<H5Sclose> space(H5Dget_space(dataset));
  std::array<hsize_t, 2> edges{};
  if (H5Sget_simple_extent_ndims(space) != 2) fail("must have two dimensions, height and width");
  H5Sget_simple_extent_dims(space, edges.data(), nullptr);
  if (edges[0] < 1 || edges[1] < 1 || edges[0] > kLargestEdge || edges[1] > kLargestEdge) {
    fail("must have edges from 1 to 65536 pixels");
  }
  const Handle<H5Tclose> type(H5Dget_type(dataset));
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && (kind != H5T_FLOAT || std::is_integral_v<T>)) {
    fail(std::is_integral_v<T> ? "must hold integers" : "must hold numbers");
  }
  pixels.resize(edges[0] * edges[1]);
  if (H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels.data()) < 0) fail("cannot be read");
  return {static_cast<int>(edges[0]), static_cast<int>(edges[1])};
}

void read_optional(hid_t file, const std::string& path, const char* name, const Calibration& mask,
                   std::vector<float>& pixels) {
  if (H5Lexists(file, name, H5P_DEFAULT) <= 0) return;
  const Shape shape = read_image(file, path, name, H5T_NATIVE_FLOAT, pixels);
  if (shape.height != mask.height || shape.width != mask.width) {
    throw std::runtime_error("calibration file " + path + ": dataset " + name +
                             " must have the shape of /mask, " + std::to_string(mask.height) + " x " +
                             std::to_string(mask.width));
  }
}

}  // namespace

std::shared_ptr<const Calibration> load_calibration(const std::string& path) {
  auto calibration = std::make_shared<Calibration>();
  if (path.empty()) return calibration;

  const SilentErrors silent;
  const Handle<H5Fclose> file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (file < 0) throw std::runtime_error("calibration file " + path + " is missing or not an HDF5 file");

  const Shape shape = read_image(file, path, "/mask", H5T_NATIVE_UINT8, calibration->measured);
  calibration->height = shape.height;
  calibration->width = shape.width;
  read_optional(file, path, "/dark", *calibration, calibration->dark);
  read_optional(file, path, "/gain", *calibration, calibration->gain);

  bool any = false;
  for (std::size_t i = 0; i < calibration->measured.size(); ++i) {
    std::uint8_t& measured = calibration->measured[i];
    if (measured > 1) {
      throw std::runtime_error("calibration file " + path +
                               ": /mask must hold 1 (measured) and 0 only, not " + std::to_string(measured));
    }
    if (!calibration->dark.empty() && !std::isfinite(calibration->dark[i])) measured = 0;
    if (!calibration->gain.empty() && !(std::isfinite(calibration->gain[i]) && calibration->gain[i] > 0))
      measured = 0;
    any |= measured != 0;
  }
  if (!any) throw std::runtime_error("calibration file " + path + " leaves no pixel measured");
  return calibration;
}

}  // namespace flashphase::preprocess
