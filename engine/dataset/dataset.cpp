#include "engine/dataset/dataset.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <stdexcept>

#include "engine/dataset/hdf5.h"
#include "engine/dataset/mask.h"
#include "engine/frame/valid_range.h"

namespace flashphase {

using hdf5::Array, hdf5::InputFile;

namespace {

constexpr hsize_t kLargestEdge = 16384;

/// What to do with a shape that is nearly right.
std::string hint_for(const std::vector<hsize_t>& shape) {
  std::vector<hsize_t> long_axes;
  std::ranges::copy_if(shape, std::back_inserter(long_axes), [](hsize_t length) { return length != 1; });
  if (shape.size() == 2 && shape[0] == shape[1])
    return "; one image is [1, " + std::to_string(shape[0]) + ", " + std::to_string(shape[1]) + "]";
  if (shape.size() > 3 && long_axes.size() == 3 && long_axes[1] == long_axes[2])
    return "; without its axes of length one it is " + hdf5::text_of(long_axes);
  return {};
}

/// [N, side, side] with one N for the whole file.
int square_side(const InputFile& file, const Array& array) {
  const auto& shape = array.shape;
  if (shape.size() != 3 || shape[1] != shape[2] || shape[1] == 0 || shape[1] > kLargestEdge)
    file.fail(array.name + " must have the shape [N, size, size], not " + hdf5::text_of(shape) +
              hint_for(shape));
  return static_cast<int>(shape[1]);
}

}  // namespace

struct DatasetReader::File {
  explicit File(std::string path) : file("dataset", std::move(path)) {}

  InputFile file;
  Array patterns;
  std::optional<Array> objects, mask;
  Dataset like;  // sizes and recipe, without content
  std::size_t count = 0;
  ValidRange range;

  void open() {
    if (!file.has("/patterns")) file.fail("has no /patterns (float32 [N, m, m])");
    patterns = file.open("/patterns");
    if (!patterns.is_float() && !patterns.is_integer()) file.fail("/patterns must be numbers (float32)");
    if (patterns.is_integer())
      range = integer_range(H5Tget_size(patterns.type), H5Tget_sign(patterns.type) == H5T_SGN_2);
    like.pattern_size = square_side(file, patterns);
    count = patterns.shape[0];
    if (file.has("/objects")) open_objects();
    if (file.has("/mask")) open_mask();
    if (file.has("/recipe")) like.recipe = file.read_text("/recipe");
  }

  void open_objects() {
    objects = file.open("/objects");
    like.object_size = square_side(file, *objects);
    if (!hdf5::is_complex(objects->type)) file.fail("/objects must be complex64 (a compound of r and i)");
    if (objects->shape[0] != count)
      file.fail("/objects holds " + std::to_string(objects->shape[0]) + " images for " +
                std::to_string(count) + " patterns");
  }

  void open_mask() {
    mask = file.open("/mask");
    const auto m = static_cast<hsize_t>(like.pattern_size);
    like.mask_per_pattern = mask->shape.size() == 3;
    const std::vector<hsize_t> common{m, m}, each{count, m, m};
    if (mask->shape != (like.mask_per_pattern ? each : common))
      file.fail("/mask must have the shape " + hdf5::text_of(common) + " or " + hdf5::text_of(each) +
                ", not " + hdf5::text_of(mask->shape));
    if (!like.mask_per_pattern) like.mask = hdf5::read_mask(file, *mask, 0, m);
  }

  /// Patterns [first, first + number) to place `at` of `dataset`, which has room for them.
  void read(std::size_t first, std::size_t number, std::size_t at, Dataset& dataset) const {
    float* out = dataset.patterns.data() + at * dataset.pattern_cells();
    file.read_rows(patterns, first, number, H5T_NATIVE_FLOAT, out);
    if (patterns.is_integer())
      for (std::size_t i = 0; i < number * dataset.pattern_cells(); ++i)
        if (!range.contains(out[i])) out[i] = std::numeric_limits<float>::quiet_NaN();
    if (objects)
      file.read_rows(*objects, first, number, hdf5::complex_type(),
                     dataset.objects.data() + at * dataset.object_cells());
    if (dataset.mask_per_pattern)
      std::ranges::copy(hdf5::read_mask(file, *mask, first, number),
                        dataset.mask.begin() + static_cast<std::ptrdiff_t>(at * dataset.pattern_cells()));
  }

  Dataset room_for(std::size_t number) const {
    if (number > INT_MAX) file.fail("holds more patterns than can be read at once");
    Dataset dataset = like;
    dataset.count = static_cast<int>(number);
    dataset.patterns.resize(number * dataset.pattern_cells());
    dataset.objects.resize(number * dataset.object_cells());
    if (dataset.mask_per_pattern) dataset.mask.resize(number * dataset.pattern_cells());
    return dataset;
  }
};

DatasetReader::DatasetReader(std::string path) : file_(std::make_unique<File>(std::move(path))) {
  file_->open();
}

DatasetReader::~DatasetReader() = default;

std::size_t DatasetReader::count() const {
  return file_->count;
}
int DatasetReader::pattern_size() const {
  return file_->like.pattern_size;
}
int DatasetReader::object_size() const {
  return file_->like.object_size;
}
const std::string& DatasetReader::path() const {
  return file_->file.path();
}

const std::string& DatasetReader::recipe() const {
  return file_->like.recipe;
}

void DatasetReader::require_patterns() const {
  if (count() == 0) throw std::invalid_argument("dataset '" + path() + "' holds no pattern");
}

Dataset DatasetReader::read(std::size_t first, std::size_t limit) const {
  first = std::min(first, count());
  const std::size_t number = std::min(limit, count() - first);
  Dataset dataset = file_->room_for(number);
  file_->read(first, number, 0, dataset);
  return dataset;
}

Dataset DatasetReader::read(std::span<const int> frames) const {
  Dataset dataset = file_->room_for(frames.size());
  for (std::size_t at = 0, run = 1; at < frames.size(); at += run) {
    if (frames[at] < 0 || static_cast<std::size_t>(frames[at]) >= count())
      throw std::out_of_range("dataset '" + path() + "' has no pattern " + std::to_string(frames[at]));
    run = 1;  // neighbours are read at once
    while (at + run < frames.size() && frames[at + run] == frames[at] + static_cast<int>(run) &&
           static_cast<std::size_t>(frames[at + run]) < count())
      ++run;
    file_->read(static_cast<std::size_t>(frames[at]), run, at, dataset);
  }
  return dataset;
}

Dataset read_dataset(const std::string& path, std::size_t first, std::size_t limit) {
  return DatasetReader(path).read(first, limit);
}

MeasuredShare measured_share(const Dataset& dataset) {
  MeasuredShare share;
  for (std::size_t i = 0; i < static_cast<std::size_t>(dataset.count); ++i) {
    const auto pattern = dataset.pattern(i);
    const auto mask = dataset.measured(i);
    share.pixels += pattern.size();
    for (std::size_t p = 0; p < pattern.size(); ++p)
      share.measured += std::isfinite(pattern[p]) && (mask.empty() || mask[p] != 0);
  }
  return share;
}

std::string MeasuredShare::text() const {
  char percent[16];
  std::snprintf(percent, sizeof percent, "%.1f", 100 * share());
  const std::string all =
      std::to_string(measured) + " of " + std::to_string(pixels) + " pixels are measured (" + percent + " %)";
  return share() >= 0.5 ? all
                        : all + ", less than half: is the mask the wrong way round? 1 = measured, 0 = not";
}

}  // namespace flashphase
