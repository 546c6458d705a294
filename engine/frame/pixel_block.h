#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/frame/calibration.h"
#include "engine/frame/layout.h"
#include "engine/frame/rejection.h"

namespace flashphase {

enum class PixelType : std::uint8_t { u8, u16, u32, i16, i32, f32, f64 };

/// 0 for what is none of them.
constexpr std::size_t pixel_bytes(PixelType type) {
  switch (type) {
    case PixelType::u8:
      return 1;
    case PixelType::u16:
    case PixelType::i16:
      return 2;
    case PixelType::u32:
    case PixelType::i32:
    case PixelType::f32:
      return 4;
    case PixelType::f64:
      return 8;
  }
  return 0;
}

/// How the bytes of pixels are packed. lz4: one LZ4 block. bslz4: bits shuffled within blocks, each of them
/// LZ4 (bitshuffle; Masui et al., Astronomy and Computing 12, 181, 2015), as HDF5 and DECTRIS detectors write
/// it: 8 bytes, how many there are unpacked, 4 bytes, how many in a block, both big endian, then the blocks.
enum class Codec : std::uint8_t { none, lz4, bslz4 };

/// The pixels of one detector image as they came, little endian. A value: `storage` keeps the bytes alive
/// (often the received message itself), copies are cheap. Nothing is unpacked before it is read
/// (engine/preprocess/photon_reader.h).
struct PixelBlock {
  PixelType type = PixelType::f32;
  int height = 0, width = 0;  ///< of the image
  Codec codec = Codec::none;
  std::span<const std::byte> data;  ///< packed by `codec`, not necessarily aligned
  std::shared_ptr<const void> storage;
  /// Where the pixels lie in the bytes once unpacked; none = row-major [height, width] and nothing else.
  std::shared_ptr<const Layout> layout{};
  /// [height, width] of this image alone, 1 = measured, or none; kept alive by `storage`.
  std::span<const std::uint8_t> mask{};
  /// What the stream says of all its images (mask, dark, gain), or none.
  std::shared_ptr<const Calibration> constants{};

  /// What it holds of memory.
  std::size_t bytes() const { return data.size() + mask.size(); }
  /// How many bytes there have to be once unpacked; more when `layout` leaves some out.
  std::size_t unpacked_bytes() const;
};

/// Why these pixels cannot be read, seen without unpacking any: unsupported_dtype; wrong_shape (of the image,
/// its layout or constants); bad_pixels (fewer or more bytes than the shape asks for, or more than the codec
/// can pack into so few). Nothing when they can, as far as that tells.
std::optional<Rejection> problem_of(const PixelBlock& pixels);

}  // namespace flashphase
