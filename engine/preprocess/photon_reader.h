#pragma once

#include <cstdint>
#include <optional>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"
#include "engine/frame/valid_range.h"
#include "engine/preprocess/unpack.h"

namespace flashphase::preprocess {

/// Part of a row: `count` pixels of row `y` from column `x`, inside the frame.
struct RowPart {
  int y = 0;
  int x = 0;
  int count = 0;
};

/// The pixels of one frame in photons: (value - dark) * gain, negative -> 0. Not measured (0 photons): a gap
/// of the layout, masked (by the calibration, the stream's constants or the frame's own mask), raw value out
/// of the limits, raw or corrected value not finite. Dark and gain are the calibration's, else those of the
/// stream's constants. Thread: one, and one reader at a time on a thread.
class PhotonReader {
 public:
  /// Frame and calibration have to outlive it.
  PhotonReader(const Frame& frame, const Calibration& calibration, const RawLimits& limits);

  int height() const { return pixels_.height; }
  int width() const { return pixels_.width; }

  /// Unpacks what the rows [first, last) need; rows beyond the frame are none. Why that cannot be (see
  /// problem_of; wrong_shape: not the calibration's; bad_pixels: they do not unpack), or nothing when they
  /// can be read from now on.
  std::optional<Rejection> open(int first, int last);
  std::optional<Rejection> open() { return open(0, pixels_.height); }

  /// Precondition of what follows: the row is open.
  void read(RowPart part, float* photons, std::uint8_t* measured) const;
  /// How many pixels of row `y` are measured and have more photons than `threshold`; what read() would say,
  /// without storing any of it.
  int brighter(int y, float threshold) const;

 private:
  /// Raw values, and whether they are within the range; `gap` where the layout has none.
  void load(RowPart part, ValidRange range, std::uint8_t gap, float* value, std::uint8_t* measured) const;
  friend double share_of_marks(const Frame& frame, const Calibration& calibration);

  const PixelBlock& pixels_;
  const ValidRange range_;
  const float* dark_ = nullptr;  // [height, width] or none, as all of these
  const float* gain_ = nullptr;
  const std::uint8_t* masks_[3] = {};
  std::optional<Rejection> problem_;
  std::optional<Unpacked> unpacked_;  // when there is no problem
};

/// Of the pixels that no mask leaves out, the share with a value by which detectors mark gaps, bad and
/// saturated pixels (default_range), 0..1; 0 for a frame that cannot be read. Reads the whole frame.
double share_of_marks(const Frame& frame, const Calibration& calibration);

}  // namespace flashphase::preprocess
