#include "engine/preprocess/calibration.h"

#include <gmock/gmock.h>
#include <hdf5.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace flashphase::preprocess {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// A file of its own for each test, removed at the end.
class CalibrationFile : public testing::Test {
 protected:
  ~CalibrationFile() override { std::filesystem::remove(path_); }

  template <class T>
  void write(const char* name, const std::vector<hsize_t>& shape, const std::vector<T>& values, hid_t type) {
    const hid_t file = std::filesystem::exists(path_)
                           ? H5Fopen(path_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)
                           : H5Fcreate(path_.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ASSERT_GE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
  }

  void write_mask(const std::vector<std::uint8_t>& values) {
    write("/mask", {2, 3}, values, H5T_NATIVE_UINT8);
  }
  void write_float(const char* name, const std::vector<float>& values) {
    write(name, {2, 3}, values, H5T_NATIVE_FLOAT);
  }

  void expect_refused(const char* why) {
    EXPECT_THAT([&] { load_calibration(path_); },
                ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(path_), HasSubstr(why))));
  }

  std::string path_ = testing::TempDir() + "calibration_" + std::to_string(getpid()) + "_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name() + ".h5";
};

TEST(Calibration, IsEmptyWithoutAFile) {
  const auto calibration = load_calibration("");
  EXPECT_EQ(calibration->height, 0);
  EXPECT_THAT(calibration->measured, IsEmpty());
}

TEST_F(CalibrationFile, GivesMaskDarkAndGain) {
  write_mask({1, 0, 1, 1, 1, 0});
  write_float("/dark", {1, 2, 3, 4, 5, 6});
  write_float("/gain", {1, 1, 1, 2, 2, 2});
  const auto calibration = load_calibration(path_);
  EXPECT_EQ(calibration->height, 2);
  EXPECT_EQ(calibration->width, 3);
  EXPECT_THAT(calibration->measured, ElementsAre(1, 0, 1, 1, 1, 0));
  EXPECT_THAT(calibration->dark, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(calibration->gain, ElementsAre(1, 1, 1, 2, 2, 2));
}

TEST_F(CalibrationFile, NeedsNeitherDarkNorGain) {
  write_mask({1, 1, 1, 1, 1, 0});
  const auto calibration = load_calibration(path_);
  EXPECT_THAT(calibration->dark, IsEmpty());
  EXPECT_THAT(calibration->gain, IsEmpty());
}

TEST_F(CalibrationFile, MasksPixelsWhoseDarkOrGainIsUnusable) {
  write_mask({1, 1, 1, 1, 1, 1});
  write_float("/dark", {std::numeric_limits<float>::quiet_NaN(), 0, 0, 0, 0, 0});
  write_float("/gain", {1, 0, -1, std::numeric_limits<float>::infinity(), 1, 1});
  EXPECT_THAT(load_calibration(path_)->measured, ElementsAre(0, 0, 0, 0, 1, 1));
}

TEST_F(CalibrationFile, IsRefusedWhenMissing) {
  expect_refused("no such file");
}

TEST_F(CalibrationFile, IsRefusedWhenItIsNotHdf5) {
  std::ofstream(path_) << "not HDF5";
  expect_refused("not an HDF5 file");
}

TEST_F(CalibrationFile, IsRefusedWithoutAMask) {
  write_float("/dark", {1, 2, 3, 4, 5, 6});
  expect_refused("/mask is missing");
}

TEST_F(CalibrationFile, IsRefusedWhenTheMaskHasAnotherRank) {
  write<std::uint8_t>("/mask", {1, 2, 3}, {1, 1, 1, 1, 1, 1}, H5T_NATIVE_UINT8);
  expect_refused("two dimensions");
}

TEST_F(CalibrationFile, IsRefusedWhenTheMaskHoldsNoIntegers) {
  write<float>("/mask", {2, 3}, {1, 1, 1, 1, 1, 1}, H5T_NATIVE_FLOAT);
  expect_refused("/mask must be integers");
}

TEST_F(CalibrationFile, IsRefusedWhenTheMaskHoldsOtherThanZeroAndOne) {
  write_mask({1, 1, 1, 1, 255, 0});
  expect_refused("not 255");
}

TEST_F(CalibrationFile, IsRefusedWhenNoPixelIsMeasured) {
  write_mask({0, 0, 0, 0, 0, 0});
  expect_refused("no pixel measured");
}

TEST_F(CalibrationFile, IsRefusedWhenShapesDiffer) {
  write_mask({1, 1, 1, 1, 1, 1});
  write<float>("/gain", {3, 2}, {1, 1, 1, 1, 1, 1}, H5T_NATIVE_FLOAT);
  expect_refused("/gain must have the shape of /mask, 2 x 3");
}

}  // namespace
}  // namespace flashphase::preprocess
