#pragma once

#include <cstddef>
#include <vector>

#include "engine/frame/pixel_block.h"

namespace flashphase::preprocess {

/// The unpacked bytes of one block of pixels, as far as they were asked for: where the codec allows it only
/// those, else all before them too. Nothing is copied when nothing is packed. Thread: one; the memory is the
/// thread's, kept from block to block, so there is one of these at a time on a thread.
class Unpacked {
 public:
  /// `pixels` has to outlive it. Precondition: problem_of() found nothing.
  explicit Unpacked(const PixelBlock& pixels);

  /// Whether the bytes [first, last) are there from now on; not when they do not unpack, or to another number
  /// of bytes than the image has.
  [[nodiscard]] bool need(std::size_t first, std::size_t last);
  /// The first of all bytes. Only those asked for may be read.
  const std::byte* data() const { return data_; }

 private:
  bool unpack_lz4(std::size_t last);
  bool unpack_bslz4(std::size_t first, std::size_t last);

  const PixelBlock& pixels_;
  const std::size_t size_;
  const std::byte* data_;
  std::size_t first_ = 0, last_ = 0;  // what is there
};

}  // namespace flashphase::preprocess
