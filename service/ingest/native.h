#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "service/ingest/source.h"

namespace flashphase::ingest {

/// One received part: its bytes, and what keeps them alive.
struct Part {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> storage;
};

struct NativeLimits {
  std::size_t max_bytes = std::size_t{256} << 20;  ///< of each part, and of the pixels once decompressed
  std::string default_source = "detector";         ///< name of a stream whose sender gives none
};

/// One message of the native ingest stream (proto/README.md) to an item. A pure function of bytes that trusts
/// none of the sizes in them: shape, dtype and payload have to fit each other, and nothing is allocated. The
/// pixels of a frame stay where they are (PixelBlock::storage is the part's), packed as they came.
/// Rejections: bad_message, bad_pixels, too_large, unsupported_dtype, wrong_shape. Thread-safe.
Item decode_native(std::span<const Part> parts, Clock::time_point arrival, const NativeLimits& limits);

}  // namespace flashphase::ingest
