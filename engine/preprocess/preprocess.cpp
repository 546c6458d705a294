#include "engine/preprocess/preprocess.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

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

void crop(const PhotonReader& reader, Corner corner, Pattern& pattern) {
  const int m = pattern.size;
  const Span rows = on_detector(corner.y, m, reader.height());
  const Span columns = on_detector(corner.x, m, reader.width());
  if (columns.count == 0) return;
  for (int y = rows.first; y < rows.first + rows.count; ++y) {
    const auto at = static_cast<std::size_t>(y - corner.y) * static_cast<std::size_t>(m) +
                    static_cast<std::size_t>(columns.first - corner.x);
    reader.read({y, columns.first, columns.count}, &pattern.intensity[at], &pattern.measured[at]);
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

  void read(const PhotonReader& reader, Span rows, Span columns) {
    std::fill(sums_.begin(), sums_.end(), 0.0f);
    std::fill(counts_.begin(), counts_.end(), 0);
    for (int y = rows.first; y < rows.first + rows.count; ++y) {
      reader.read({y, columns.first, columns.count}, photons_.data(), measured_.data());
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

void crop_and_bin(const PhotonReader& reader, int bin, Corner corner, Pattern& pattern) {
  const int m = pattern.size;
  const Span columns = on_detector(corner.x, m * bin, reader.width());
  ColumnSums sums(columns.count);
  for (int row = 0; row < m; ++row) {
    sums.read(reader, on_detector(corner.y + row * bin, bin, reader.height()), columns);
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

std::optional<Rejection> Preprocessor::problem_of(const Frame& frame) const {
  if ((config_.expected_rows > 0 && frame.pixels.height != config_.expected_rows) ||
      (config_.expected_columns > 0 && frame.pixels.width != config_.expected_columns))
    return Rejection::wrong_shape;
  return std::nullopt;
}

PhotonReader Preprocessor::reader(const Frame& frame) const {
  return PhotonReader(frame, *calibration_, config_.limits);
}

Result<Pattern> Preprocessor::operator()(const Frame& frame) const {
  if (const auto reason = problem_of(frame)) return *reason;
  PhotonReader reader = this->reader(frame);
  if (!needs_centre_of_mass()) return (*this)(frame, reader);
  if (const auto reason = reader.open()) return *reason;
  CentreOfMass centre(reader);
  std::vector<float> photons(static_cast<std::size_t>(reader.width()));
  std::vector<std::uint8_t> measured(photons.size());
  for (int y = 0; y < reader.height(); ++y) {
    reader.read({y, 0, reader.width()}, photons.data(), measured.data());
    centre.add(y, photons, measured);
  }
  return (*this)(frame, reader, &centre);
}

Result<Pattern> Preprocessor::operator()(const Frame& frame, PhotonReader& reader,
                                         const CentreOfMass* centre) const {
  Corner corner{corner_for(config_.centre_y, reader.height(), config_),
                corner_for(config_.centre_x, reader.width(), config_)};
  if (centre != nullptr) {
    if (!centre->any_measured()) return Rejection::nothing_measured;
    if (!centre->any_photons()) return Rejection::no_signal;
    const auto point = centre->point();
    corner = point
                 ? Corner{corner_about(point->y, config_), corner_about(point->x, config_)}
                 : Corner{corner_for(-1, reader.height(), config_), corner_for(-1, reader.width(), config_)};
  }
  if (const auto reason = reader.open(corner.y, corner.y + config_.pattern_size * config_.bin))
    return *reason;

  const std::size_t cells =
      static_cast<std::size_t>(config_.pattern_size) * static_cast<std::size_t>(config_.pattern_size);
  Pattern pattern;
  pattern.id = frame.id;
  pattern.arrival = frame.arrival;
  pattern.timestamp_ns = frame.timestamp_ns;
  pattern.size = config_.pattern_size;
  pattern.intensity.resize(cells);
  pattern.measured.resize(cells);
  if (config_.bin == 1)
    crop(reader, corner, pattern);
  else
    crop_and_bin(reader, config_.bin, corner, pattern);

  pattern.summary = summary_of(pattern.intensity, pattern.measured, pattern.size);
  if (pattern.summary.unmeasured == 1) return Rejection::nothing_measured;
  if (!(pattern.summary.photons >= kLeastPhotons)) return Rejection::no_signal;
  if (!(pattern.summary.photons <= kMostPhotons)) return Rejection::not_finite;
  return pattern;
}

double Preprocessor::share_of_marks(const Frame& frame) const {
  return preprocess::share_of_marks(frame, *calibration_);
}

}  // namespace flashphase::preprocess
