#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flashphase {

/// A rectangle of an image whose pixels lie evenly spaced in memory. A detector of one piece is one of them.
struct Module {
  int y = 0, x = 0;  ///< its first pixel in the image
  int height = 0, width = 0;
  std::int64_t offset = 0;                  ///< of its first pixel, in pixels from the first in memory
  std::int64_t stride_y = 0, stride_x = 1;  ///< from one to the next, in pixels; negative: mirrored
};

/// Where the pixels of an image lie in memory. Pixels of the image that no module has are gaps: not measured.
/// Made once and shared by all frames of a detector. Constant, thread-safe.
class Layout {
 public:
  /// Throws std::invalid_argument with one sentence when a module has no pixels, lies beyond the image or on
  /// another one, or begins before the first pixel in memory.
  Layout(int height, int width, std::vector<Module> modules);
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  int height() const { return height_; }
  int width() const { return width_; }
  /// Pixels there have to be in memory.
  std::size_t extent() const { return extent_; }

  struct Range {
    std::size_t first = 0, last = 0;  ///< pixels in memory, [first, last)
  };
  /// Where in memory the pixels of the rows [first, last) of the image lie; empty when they are gaps.
  Range extent_of(int first, int last) const;

  /// The modules with pixels in row `y` of the image.
  std::span<const Module* const> at_row(int y) const { return rows_[static_cast<std::size_t>(y)]; }

 private:
  int height_, width_;
  std::size_t extent_ = 0;
  std::vector<Module> modules_;
  std::vector<std::vector<const Module*>> rows_;
};

}  // namespace flashphase
