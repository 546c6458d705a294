#include "engine/preprocess/preprocess.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "engine/preprocess/pixels.h"

namespace flashphase::preprocess {
namespace {

constexpr int kLargestCrop = 1 << 16;  // detector pixels along an edge

/// Detector row and column of the first pixel of the crop; may lie outside the detector.
struct Corner {
  int y = 0;
  int x = 0;
};

/// Zero of Q goes to the middle of pattern pixel m/2, rounded to whole detector pixels.
int corner_about(double centre, const Config& config) {
  const double offset = (config.pattern_size / 2) * config.bin + 0.5 * (config.bin - 1);
  return static_cast<int>(std::floor(std::clamp(centre - offset, -1e9, 1e9) + 0.5));
}

/// edge/2, given or not, is the middle: the crop has as much of the detector on either side of it.
int corner_for(float centre, int edge, const Config& config) {
  if (centre >= 0 && centre != static_cast<float>(edge / 2))
    return corner_about(static_cast<double>(centre), config);
  return static_cast<int>(std::floor(0.5 * (edge - config.pattern_size * config.bin)));
}

/// Photons above `threshold` count, less `level`.
struct Background {
  float level = 0;
  float threshold = 0;
};

/// From pixels all over the frame: half of it may be covered by the pattern.
Background background_of(const Frame& frame, const Calibration& calibration, ValidRange range) {
  constexpr int kSamplesAlong = 64;
  std::vector<float> samples, row(static_cast<std::size_t>(frame.width));
  std::vector<std::uint8_t> measured(row.size());
  const int step_y = std::max(1, frame.height / kSamplesAlong),
            step_x = std::max(1, frame.width / kSamplesAlong);
  for (int y = step_y / 2; y < frame.height; y += step_y) {
    read_photons(frame, calibration, range, {y, 0, frame.width}, row.data(), measured.data());
    for (int x = step_x / 2; x < frame.width; x += step_x)
      if (measured[static_cast<std::size_t>(x)]) samples.push_back(row[static_cast<std::size_t>(x)]);
  }
  if (samples.empty()) return {};
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  const float level = *middle;
  if (!(level > 0)) return {};
  for (float& sample : samples) sample = std::abs(sample - level);
  std::nth_element(samples.begin(), middle, samples.end());
  constexpr float kDeviations = 3,
                  kOfMedian = 1.4826f;  // of a normal distribution, from its median deviation
  return {level, level + kDeviations * std::max(kOfMedian * *middle, std::sqrt(level))};
}

Result<Corner> corner_of_mass(const Frame& frame, const Calibration& calibration, const Config& config) {
  const ValidRange range = config.limits.of(frame.type);
  const Background background = background_of(frame, calibration, range);
  const auto width = static_cast<std::size_t>(frame.width);
  std::vector<float> photons(width);
  std::vector<std::uint8_t> measured(width);
  std::vector<double> columns(width), moments(width);  // down each column: sum of photons, sum of photons * y
  int any_measured = 0;
  float any_photons = 0;
  for (int y = 0; y < frame.height; ++y) {
    read_photons(frame, calibration, range, {y, 0, frame.width}, photons.data(), measured.data());
    for (std::size_t x = 0; x < width; ++x) {
      const auto value =
          photons[x] > background.threshold ? static_cast<double>(photons[x] - background.level) : 0.0;
      any_measured |= measured[x];
      any_photons = std::max(any_photons, photons[x]);
      columns[x] += value;
      moments[x] += value * y;
    }
  }
  double sum = 0, sum_y = 0, sum_x = 0;
  for (std::size_t x = 0; x < width; ++x) {
    sum += columns[x];
    sum_y += moments[x];
    sum_x += columns[x] * static_cast<double>(x);
  }
  if (any_measured == 0) return Rejection::nothing_measured;
  if (!(any_photons > 0)) return Rejection::no_signal;
  if (!(sum > 0))  // nothing stands out
    return Corner{corner_for(-1, frame.height, config), corner_for(-1, frame.width, config)};
  return Corner{corner_about(sum_y / sum, config), corner_about(sum_x / sum, config)};
}

/// The part of [corner, corner + edge) that lies on the detector, along one axis.
struct Span {
  int first = 0;
  int count = 0;
};

Span on_detector(int corner, int edge, int detector_edge) {
  const int first = std::clamp(corner, 0, detector_edge);
  const int last = std::clamp(corner + edge, 0, detector_edge);
  return {first, last - first};
}

void crop(const Frame& frame, const Calibration& calibration, ValidRange range, Corner corner,
          Pattern& pattern) {
  const int m = pattern.size;
  const Span rows = on_detector(corner.y, m, frame.height);
  const Span columns = on_detector(corner.x, m, frame.width);
  if (columns.count == 0) return;
  for (int y = rows.first; y < rows.first + rows.count; ++y) {
    const auto at = static_cast<std::size_t>(y - corner.y) * static_cast<std::size_t>(m) +
                    static_cast<std::size_t>(columns.first - corner.x);
    read_photons(frame, calibration, range, {y, columns.first, columns.count}, &pattern.intensity[at],
                 &pattern.measured[at]);
  }
}

/// Sums and numbers of the measured pixels down the rows of one bin, detector column by column.
class ColumnSums {
 public:
  explicit ColumnSums(int width)
      : photons_(static_cast<std::size_t>(width)),
        measured_(photons_.size()),
        sums_(photons_.size()),
        counts_(photons_.size()) {}

  void read(const Frame& frame, const Calibration& calibration, ValidRange range, Span rows, Span columns) {
    std::fill(sums_.begin(), sums_.end(), 0.0f);
    std::fill(counts_.begin(), counts_.end(), 0);
    for (int y = rows.first; y < rows.first + rows.count; ++y) {
      read_photons(frame, calibration, range, {y, columns.first, columns.count}, photons_.data(),
                   measured_.data());
      for (std::size_t i = 0; i < sums_.size(); ++i) {
        sums_[i] += photons_[i];
        counts_[i] += measured_[i];
      }
    }
  }

  /// One pattern row; the first column lies `offset` columns right of the crop's corner.
  void bin_into(float* intensity, std::uint8_t* measured, std::size_t bin, std::size_t offset) const {
    const int members = static_cast<int>(bin * bin);
    std::size_t i = 0;
    for (std::size_t cell = offset / bin; i < sums_.size(); ++cell) {
      const std::size_t end = std::min(sums_.size(), (cell + 1) * bin - offset);
      float sum = 0;
      int count = 0;
      for (; i < end; ++i) {
        sum += sums_[i];
        count += counts_[i];
      }
      if (2 * count < members) continue;
      const float value = sum * static_cast<float>(members) / static_cast<float>(count);
      if (!std::isfinite(value)) continue;
      intensity[cell] = value;
      measured[cell] = 1;
    }
  }

 private:
  std::vector<float> photons_;
  std::vector<std::uint8_t> measured_;
  std::vector<float> sums_;
  std::vector<int> counts_;
};

void crop_and_bin(const Frame& frame, const Calibration& calibration, const Config& config, Corner corner,
                  Pattern& pattern) {
  const int m = pattern.size, bin = config.bin;
  const Span columns = on_detector(corner.x, m * bin, frame.width);
  ColumnSums sums(columns.count);
  for (int row = 0; row < m; ++row) {
    sums.read(frame, calibration, config.limits.of(frame.type),
              on_detector(corner.y + row * bin, bin, frame.height), columns);
    const std::size_t at = static_cast<std::size_t>(row) * static_cast<std::size_t>(m);
    sums.bin_into(&pattern.intensity[at], &pattern.measured[at], static_cast<std::size_t>(bin),
                  static_cast<std::size_t>(columns.first - corner.x));
  }
}

void check_centre(float centre, int expected, const char* key) {
  if (!std::isfinite(centre) || (expected > 0 && centre >= static_cast<float>(expected))) {
    throw std::invalid_argument(std::string("preprocess.") + key +
                                " must be a detector pixel, or negative for the middle of the detector");
  }
}

void check(const Config& config, const Calibration& calibration) {
  if (config.pattern_size < 2 || config.pattern_size > kLargestCrop) {
    throw std::invalid_argument("preprocess.pattern_size must be from 2 to 65536 pixels, not " +
                                std::to_string(config.pattern_size));
  }
  if (config.bin < 1 || config.bin > kLargestCrop / config.pattern_size) {
    throw std::invalid_argument(
        "preprocess.bin must be at least 1, and pattern_size * bin at most 65536, not " +
        std::to_string(config.bin));
  }
  if (config.limits.saturation && !(*config.limits.saturation >= 0)) {
    throw std::invalid_argument("preprocess.saturation must be 0 (none) or a positive raw value");
  }
  if (config.limits.invalid_below && !std::isfinite(*config.limits.invalid_below)) {
    throw std::invalid_argument("preprocess.invalid_below must be a raw value");
  }
  if (config.expected_rows < 0 || config.expected_columns < 0) {
    throw std::invalid_argument("preprocess.expected_rows and expected_columns must be 0 (any) or positive");
  }
  check_centre(config.centre_y, config.expected_rows, "centre_y");
  check_centre(config.centre_x, config.expected_columns, "centre_x");
  if (calibration.height > 0 &&
      ((config.expected_rows > 0 && config.expected_rows != calibration.height) ||
       (config.expected_columns > 0 && config.expected_columns != calibration.width))) {
    throw std::invalid_argument(
        "preprocess.expected_rows and expected_columns must be the calibration's shape, " +
        std::to_string(calibration.height) + " x " + std::to_string(calibration.width));
  }
}

}  // namespace

Preprocessor::Preprocessor(const Config& config, std::shared_ptr<const Calibration> calibration)
    : config_(config),
      calibration_(calibration ? std::move(calibration) : std::make_shared<const Calibration>()) {
  check(config_, *calibration_);
}

Result<Pattern> Preprocessor::operator()(const Frame& frame) const {
  if ((config_.expected_rows > 0 && frame.height != config_.expected_rows) ||
      (config_.expected_columns > 0 && frame.width != config_.expected_columns)) {
    return Rejection::wrong_shape;
  }
  if (const auto reason = check_pixels(frame, *calibration_)) return *reason;

  Corner corner;
  if (config_.centring == Centring::centre_of_mass) {
    const Result<Corner> found = corner_of_mass(frame, *calibration_, config_);
    if (!found) return found.error();
    corner = *found;
  } else {
    corner = {corner_for(config_.centre_y, frame.height, config_),
              corner_for(config_.centre_x, frame.width, config_)};
  }

  const std::size_t cells =
      static_cast<std::size_t>(config_.pattern_size) * static_cast<std::size_t>(config_.pattern_size);
  Pattern pattern;
  pattern.id = frame.id;
  pattern.arrival = frame.arrival;
  pattern.timestamp_ns = frame.timestamp_ns;
  pattern.size = config_.pattern_size;
  pattern.intensity.resize(cells);
  pattern.measured.resize(cells);
  if (config_.bin == 1) {
    crop(frame, *calibration_, config_.limits.of(frame.type), corner, pattern);
  } else {
    crop_and_bin(frame, *calibration_, config_, corner, pattern);
  }

  pattern.summary = summary_of(pattern.intensity, pattern.measured, pattern.size);
  if (pattern.summary.unmeasured == 1) return Rejection::nothing_measured;
  if (!(pattern.summary.photons >= kLeastPhotons)) return Rejection::no_signal;
  if (!(pattern.summary.photons <= kMostPhotons)) return Rejection::not_finite;
  return pattern;
}

double Preprocessor::share_of_marks(const Frame& frame) const {
  if (check_pixels(frame, *calibration_)) return 0;
  return preprocess::share_of_marks(frame, *calibration_);
}

}  // namespace flashphase::preprocess
