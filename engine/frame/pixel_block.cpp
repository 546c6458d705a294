#include "engine/frame/pixel_block.h"

namespace flashphase {

namespace {

/// An LZ4 sequence adds at most 255 bytes for each of its own.
constexpr std::size_t kLz4Ratio = 255;
constexpr std::size_t kBslz4Header = 12;

bool fits(const PixelBlock& pixels) {
  const std::size_t wanted = pixels.unpacked_bytes(), given = pixels.data.size();
  switch (pixels.codec) {
    case Codec::none:
      return pixels.layout ? given >= wanted : given == wanted;
    case Codec::lz4:
      return given > 0 && wanted / kLz4Ratio <= given;
    case Codec::bslz4:
      return given > kBslz4Header && wanted / kLz4Ratio <= given;
  }
  return false;
}

}  // namespace

std::size_t PixelBlock::unpacked_bytes() const {
  const std::size_t pixels =
      layout ? layout->extent() : static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  return pixels * pixel_bytes(type);
}

std::optional<Rejection> problem_of(const PixelBlock& pixels) {
  const auto shape = [&](int height, int width) { return height == pixels.height && width == pixels.width; };
  if (pixel_bytes(pixels.type) == 0) return Rejection::unsupported_dtype;
  if (pixels.height < 1 || pixels.width < 1) return Rejection::wrong_shape;
  if (pixels.layout && !shape(pixels.layout->height(), pixels.layout->width())) return Rejection::wrong_shape;
  if (pixels.constants && pixels.constants->height != 0 &&
      !shape(pixels.constants->height, pixels.constants->width))
    return Rejection::wrong_shape;
  if (!pixels.mask.empty() &&
      pixels.mask.size() != static_cast<std::size_t>(pixels.height) * static_cast<std::size_t>(pixels.width))
    return Rejection::bad_pixels;
  if (!fits(pixels)) return Rejection::bad_pixels;
  return std::nullopt;
}

}  // namespace flashphase
