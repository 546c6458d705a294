#pragma once

#include <cstdint>
#include <optional>

#include "engine/frame/frame.h"
#include "engine/frame/rejection.h"
#include "engine/frame/valid_range.h"
#include "engine/preprocess/calibration.h"

namespace flashphase::preprocess {

/// Why the pixels of this frame cannot be read with this calibration (unsupported_dtype, wrong_shape,
/// bad_pixels); nothing when they can.
std::optional<Rejection> check_pixels(const Frame& frame, const Calibration& calibration);

/// Part of a row: `count` pixels of row `y` from column `x`, inside the frame.
struct RowPart {
  int y = 0;
  int x = 0;
  int count = 0;
};

/// (value - dark) * gain in photons, negative -> 0. Not measured (0 photons): masked, raw value out of
/// `range`, raw or corrected value not finite. Precondition: check_pixels() found nothing.
void read_photons(const Frame& frame, const Calibration& calibration, ValidRange range, RowPart part,
                  float* photons, std::uint8_t* measured);

/// Of the pixels that no mask leaves out, the share with a value by which detectors mark gaps, bad and
/// saturated pixels (default_range), 0..1. Reads the whole frame. Same precondition.
double share_of_marks(const Frame& frame, const Calibration& calibration);

}  // namespace flashphase::preprocess
