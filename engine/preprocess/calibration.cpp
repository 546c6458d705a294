#include "engine/preprocess/calibration.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "engine/dataset/hdf5.h"
#include "engine/dataset/mask.h"

namespace flashphase::preprocess {
namespace {

constexpr hsize_t kLargestEdge = 1 << 16;

hdf5::Array open_image(const hdf5::InputFile& file, const std::string& name) {
  hdf5::Array array = file.open(name);
  if (array.shape.size() != 2) file.fail(name + " must have two dimensions, height and width");
  for (const hsize_t edge : array.shape)
    if (edge < 1 || edge > kLargestEdge) file.fail(name + " must have edges from 1 to 65536 pixels");
  return array;
}

std::vector<float> read_optional(const hdf5::InputFile& file, const std::string& name,
                                 const Calibration& mask) {
  if (!file.has(name)) return {};
  const hdf5::Array array = open_image(file, name);
  if (!array.is_float() && !array.is_integer()) file.fail(name + " must hold numbers");
  if (array.shape[0] != static_cast<hsize_t>(mask.height) ||
      array.shape[1] != static_cast<hsize_t>(mask.width))
    file.fail(name + " must have the shape of /mask, " + std::to_string(mask.height) + " x " +
              std::to_string(mask.width));
  std::vector<float> pixels(mask.measured.size());
  file.read(array, H5T_NATIVE_FLOAT, pixels.data());
  return pixels;
}

}  // namespace

std::shared_ptr<const Calibration> load_calibration(const std::string& path) {
  auto calibration = std::make_shared<Calibration>();
  if (path.empty()) return calibration;

  const hdf5::InputFile file("calibration file", path);
  const hdf5::Array mask = open_image(file, "/mask");
  calibration->height = static_cast<int>(mask.shape[0]);
  calibration->width = static_cast<int>(mask.shape[1]);
  calibration->measured = hdf5::read_mask(file, mask, 0, mask.shape[0]);
  calibration->dark = read_optional(file, "/dark", *calibration);
  calibration->gain = read_optional(file, "/gain", *calibration);
  for (std::size_t i = 0; i < calibration->measured.size(); ++i) {
    std::uint8_t& measured = calibration->measured[i];
    if (!calibration->dark.empty() && !std::isfinite(calibration->dark[i])) measured = 0;
    if (!calibration->gain.empty() && !(std::isfinite(calibration->gain[i]) && calibration->gain[i] > 0))
      measured = 0;
  }
  if (calibration->measured_pixels() == 0) file.fail("leaves no pixel measured");
  return calibration;
}

}  // namespace flashphase::preprocess
