#include "engine/dataset/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "engine/dataset/packed.h"

namespace flashphase {
namespace {

using testing::HasSubstr;

class DatasetFile : public testing::Test {
 protected:
  DatasetFile() {
    std::string pattern = testing::TempDir() + "flashphase-dataset-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = (folder_ / "set.h5").string();
  }
  ~DatasetFile() override { std::filesystem::remove_all(folder_); }

  std::string refusal() const {
    try {
      read_dataset(path_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "accepted";
  }

  std::filesystem::path folder_;
  std::string path_;
};

Dataset example(int count, bool mask_per_pattern = true) {
  Dataset dataset;
  dataset.count = count;
  dataset.pattern_size = 4;
  dataset.object_size = 2;
  dataset.mask_per_pattern = mask_per_pattern;
  dataset.recipe = "photons: [1000, 1e+08]\n";
  for (int i = 0; i < count * 16; ++i) dataset.patterns.push_back(static_cast<float>(i) * 0.5f);
  for (int i = 0; i < count * 4; ++i)
    dataset.objects.emplace_back(static_cast<float>(i), -static_cast<float>(i));
  for (int i = 0; i < (mask_per_pattern ? count : 1) * 16; ++i) dataset.mask.push_back(i % 3 != 0);
  return dataset;
}

void expect_same(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.pattern_size, b.pattern_size);
  EXPECT_EQ(a.object_size, b.object_size);
  EXPECT_EQ(a.mask_per_pattern, b.mask_per_pattern);
  EXPECT_EQ(a.patterns, b.patterns);
  EXPECT_EQ(a.objects, b.objects);
  EXPECT_EQ(a.mask, b.mask);
  EXPECT_EQ(a.recipe, b.recipe);
}

/// An HDF5 file with the arrays that a test asks for.
class Crafted {
 public:
  explicit Crafted(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Crafted() { H5Fclose(file_); }
  Crafted(const Crafted&) = delete;
  Crafted& operator=(const Crafted&) = delete;

  Crafted& add(const char* name, hid_t type, std::vector<hsize_t> shape, const void* content = nullptr) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t array = H5Dcreate2(file_, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (content != nullptr) H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content);
    H5Dclose(array);
    H5Sclose(space);
    return *this;
  }

 private:
  hid_t file_;
};

TEST_F(DatasetFile, ComesBackAsItWasWritten) {
  for (const bool mask_per_pattern : {false, true}) {
    write_dataset(path_, example(5, mask_per_pattern));
    expect_same(read_dataset(path_), example(5, mask_per_pattern));
  }
}

TEST_F(DatasetFile, NeedsNeitherObjectsNorMaskNorRecipe) {
  Dataset bare = example(3, false);
  bare.objects.clear();
  bare.object_size = 0;
  bare.mask.clear();
  bare.recipe.clear();
  write_dataset(path_, bare);
  const Dataset read = read_dataset(path_);
  expect_same(read, bare);
  EXPECT_TRUE(read.measured(1).empty());
}

TEST_F(DatasetFile, CanBeReadInPart) {
  write_dataset(path_, example(7));
  const Dataset all = example(7);
  const Dataset part = read_dataset(path_, 2, 3);
  ASSERT_EQ(part.count, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::ranges::equal(part.pattern(i), all.pattern(i + 2)));
    EXPECT_TRUE(std::ranges::equal(part.object(i), all.object(i + 2)));
    EXPECT_TRUE(std::ranges::equal(part.measured(i), all.measured(i + 2)));
  }
  EXPECT_EQ(read_dataset(path_, 5, 100).count, 2);
  EXPECT_EQ(read_dataset(path_, 100).count, 0);
}

TEST_F(DatasetFile, GrowsPieceByPiece) {
  DatasetWriter writer(path_);
  writer.append(example(1024));
  writer.append(example(2048));
  writer.append(example(5));
  EXPECT_THROW(writer.append(example(1)), std::invalid_argument);  // the one before did not fill its chunks
  EXPECT_FALSE(std::filesystem::exists(path_));
  writer.finish();
  const Dataset read = read_dataset(path_), whole = example(2048);
  ASSERT_EQ(read.count, 3077);
  for (const auto& [at, from] :
       {std::pair<std::size_t, std::size_t>{1023, 1023}, {1024, 0}, {3071, 2047}, {3076, 4}}) {
    EXPECT_TRUE(std::ranges::equal(read.pattern(at), whole.pattern(from)));
    EXPECT_TRUE(std::ranges::equal(read.object(at), whole.object(from)));
    EXPECT_TRUE(std::ranges::equal(read.measured(at), whole.measured(from)));
  }
}

TEST_F(DatasetFile, IsCompressedAlikeByAnyNumberOfThreads) {
  const Dataset dataset = example(3000);
  const PackedPiece one = pack(dataset, 1);
  EXPECT_EQ(one.chunks, pack(dataset, 3).chunks);
  EXPECT_EQ(one.chunks.size(), chunk_count(dataset, 3000));
  write_dataset(path_, dataset);
  EXPECT_LT(std::filesystem::file_size(path_), 3000u * (16 * 4 + 4 * 8 + 16) / 2);
}

TEST_F(DatasetFile, LeavesNothingBehindWhenItIsNotFinished) {
  { DatasetWriter(path_).append(example(2)); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(DatasetFile, KeepsTheOldFileWhenTheNewOneIsNotFinished) {
  write_dataset(path_, example(4));
  { DatasetWriter(path_).append(example(2)); }
  EXPECT_EQ(read_dataset(path_).count, 4);
}

TEST_F(DatasetFile, RefusesToWriteWhatDoesNotFitTogether) {
  Dataset wrong = example(2);
  wrong.patterns.pop_back();
  EXPECT_THROW(write_dataset(path_, wrong), std::invalid_argument);
  wrong = example(2);
  wrong.mask.pop_back();
  EXPECT_THROW(write_dataset(path_, wrong), std::invalid_argument);
  DatasetWriter writer(path_);
  writer.append(example(2));
  EXPECT_THROW(writer.append(example(2, false)), std::invalid_argument);
  EXPECT_THROW(DatasetWriter(path_).finish(), std::invalid_argument);
}

TEST_F(DatasetFile, CannotBeWrittenIntoAFolderThatIsNotThere) {
  EXPECT_THROW(write_dataset((folder_ / "nowhere" / "set.h5").string(), example(1)), std::runtime_error);
}

TEST_F(DatasetFile, IsRefusedWhenItIsMissingOrNotHdf5) {
  testing::internal::CaptureStderr();
  EXPECT_THAT(refusal(), HasSubstr("no such file"));
  std::ofstream(path_) << "patterns, but in words";
  EXPECT_THAT(refusal(), HasSubstr("not an HDF5 file"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(DatasetFile, IsRefusedWhenItIsTruncated) {
  write_dataset(path_, example(2000));
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2);
  EXPECT_NE(refusal(), "accepted");
}

TEST_F(DatasetFile, IsRefusedWithoutPatternsOrWithPatternsOfAnotherKind) {
  { Crafted{path_}.add("/images", H5T_NATIVE_FLOAT, {2, 4, 4}); }
  EXPECT_THAT(refusal(), HasSubstr("has no /patterns"));
  { Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {4, 4}); }
  EXPECT_THAT(refusal(), HasSubstr("/patterns must have the shape [N, size, size], not [4, 4]"));
  { Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {2, 4, 5}); }
  EXPECT_THAT(refusal(), HasSubstr("not [2, 4, 5]"));
  { Crafted{path_}.add("/patterns", H5T_C_S1, {2, 4, 4}); }
  EXPECT_THAT(refusal(), HasSubstr("/patterns must be numbers"));
}

TEST_F(DatasetFile, IsRefusedWhenObjectsMaskOrRecipeDoNotFit) {
  {
    Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {2, 4, 4}).add("/objects", H5T_NATIVE_FLOAT, {2, 2, 2});
  }
  EXPECT_THAT(refusal(), HasSubstr("/objects must be complex64"));
  { Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {2, 4, 4}).add("/mask", H5T_NATIVE_UINT8, {3, 4, 4}); }
  EXPECT_THAT(refusal(), HasSubstr("/mask must have the shape [4, 4] or [2, 4, 4], not [3, 4, 4]"));
  { Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {2, 4, 4}).add("/mask", H5T_NATIVE_FLOAT, {4, 4}); }
  EXPECT_THAT(refusal(), HasSubstr("/mask must be integers"));
  { Crafted{path_}.add("/patterns", H5T_NATIVE_FLOAT, {2, 4, 4}).add("/recipe", H5T_NATIVE_FLOAT, {1}); }
  EXPECT_THAT(refusal(), HasSubstr("/recipe must be one string"));
}

TEST_F(DatasetFile, MayHoldCountsAsWholeNumbers) {
  const std::vector<std::int32_t> counts{1, 2, 3, 70000};
  { Crafted{path_}.add("/patterns", H5T_NATIVE_INT32, {1, 2, 2}, counts.data()); }
  EXPECT_EQ(read_dataset(path_).patterns, (std::vector<float>{1, 2, 3, 70000}));
}

class H5py : public DatasetFile {
 protected:
  void SetUp() override {
    if (python("import h5py") != 0) GTEST_SKIP() << "/usr/bin/python3 has no h5py";
  }
  static int python(const std::string& program) {
    return std::system(("/usr/bin/python3 -c \"" + program + "\" >/dev/null 2>&1").c_str());
  }
};

TEST_F(H5py, ReadsTheFileAsComplexFloatAndText) {
  write_dataset(path_, example(3));
  EXPECT_EQ(python("import h5py, numpy as np\n"
                   "f = h5py.File('" +
                   path_ +
                   "')\n"
                   "assert f['patterns'].dtype == np.float32 and f['patterns'].shape == (3, 4, 4)\n"
                   "assert f['objects'].dtype == np.complex64 and f['objects'].shape == (3, 2, 2)\n"
                   "assert f['objects'][1, 0, 1] == 5 - 5j\n"
                   "assert f['mask'].dtype == np.uint8 and f['mask'][2].sum() == 11\n"
                   "assert f['recipe'].asstr()[()].startswith('photons:')\n"),
            0);
}

TEST_F(H5py, WritesFilesThatAreAccepted) {
  ASSERT_EQ(python("import h5py, numpy as np\n"
                   "f = h5py.File('" +
                   path_ +
                   "', 'w')\n"
                   "f['patterns'] = np.arange(32, dtype=np.float64).reshape(2, 4, 4)\n"
                   "f['objects'] = (np.arange(8) * (1 + 2j)).astype(np.complex64).reshape(2, 2, 2)\n"
                   "f['mask'] = np.arange(16).reshape(4, 4) % 2 == 0\n"
                   "f['recipe'] = 'object_size: 2'\n"
                   "f['other'] = 1\n"),
            0);
  const Dataset read = read_dataset(path_);
  EXPECT_EQ(read.count, 2);
  EXPECT_EQ(read.patterns[31], 31);
  EXPECT_EQ(read.objects[7], std::complex<float>(7, 14));
  EXPECT_FALSE(read.mask_per_pattern);
  EXPECT_EQ(read.measured(1)[0], 1);
  EXPECT_EQ(read.measured(1)[1], 0);
  EXPECT_EQ(read.recipe, "object_size: 2");
}

TEST(MeasuredDataset, OfTheBeamlineIsAccepted) {
  const char* folder = std::getenv("FLASHPHASE_REAL_DATA");
  const char* source = std::getenv("FLASHPHASE_SOURCE_DIR");
  const std::string path =
      (folder != nullptr ? std::string(folder)
                         : std::string(source != nullptr ? source : ".") + "/../shared/data") +
      "/aps34idc_scan54_64.h5";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  const Dataset read = read_dataset(path);
  EXPECT_EQ(read.count, 201);
  EXPECT_EQ(read.pattern_size, 64);
  EXPECT_EQ(read.object_size, 0);
  const auto frame = read.pattern(99);
  const auto brightest = static_cast<int>(std::ranges::max_element(frame) - frame.begin());
  EXPECT_NEAR(brightest / 64, 32, 2);
  EXPECT_NEAR(brightest % 64, 32, 2);
}

}  // namespace
}  // namespace flashphase
