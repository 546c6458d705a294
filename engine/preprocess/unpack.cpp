#include "engine/preprocess/unpack.h"

#include <lz4.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace flashphase::preprocess {

namespace {

constexpr auto kLargest = static_cast<std::size_t>(std::numeric_limits<int>::max());

/// Grows and never shrinks: as large as the largest image, which max_message_bytes bounds.
std::byte* scratch(std::size_t bytes) {
  thread_local std::vector<std::byte> memory;
  if (memory.size() < bytes) {
    memory.clear();  // nothing in it is wanted any more
    memory.resize(bytes);
  }
  return memory.data();
}

template <class T>
T big_endian(const std::byte* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8 | std::to_integer<std::uint8_t>(bytes[i]));
  return value;
}

/// Rows and columns of 8 x 8 bits, a row in each byte, exchanged (Warren, Hacker's Delight, 7-3).
std::uint64_t transposed(std::uint64_t bits) {
  std::uint64_t swap = (bits ^ (bits >> 7)) & 0x00aa00aa00aa00aaull;
  bits ^= swap ^ (swap << 7);
  swap = (bits ^ (bits >> 14)) & 0x0000cccc0000ccccull;
  bits ^= swap ^ (swap << 14);
  swap = (bits ^ (bits >> 28)) & 0x00000000f0f0f0f0ull;
  return bits ^ swap ^ (swap << 28);
}

/// `count` elements, a multiple of 8, of `size` bytes: in `in` all their lowest bits come first, then the
/// next ones.
void unshuffle_bits(const std::byte* in, std::byte* out, std::size_t count, std::size_t size) {
  const std::size_t plane = count / 8;  // bytes of one bit of all elements
  for (std::size_t byte = 0; byte < size; ++byte)
    for (std::size_t group = 0; group < plane; ++group) {
      std::uint64_t bits = 0;
      for (std::size_t bit = 0; bit < 8; ++bit)
        bits |= std::uint64_t{std::to_integer<std::uint8_t>(in[(8 * byte + bit) * plane + group])}
                << (8 * bit);
      bits = transposed(bits);
      for (std::size_t i = 0; i < 8; ++i)
        out[(8 * group + i) * size + byte] = static_cast<std::byte>(bits >> (8 * i));
    }
}

}  // namespace

Unpacked::Unpacked(const PixelBlock& pixels)
    : pixels_(pixels), size_(pixels.unpacked_bytes()), data_(pixels.data.data()) {
  if (pixels.codec == Codec::none) last_ = size_;
}

bool Unpacked::need(std::size_t first, std::size_t last) {
  if (first >= last || (first >= first_ && last <= last_)) return true;
  if (last > size_) return false;
  data_ = scratch(size_);
  if (first_ != last_) first = std::min(first, first_), last = std::max(last, last_);
  switch (pixels_.codec) {
    case Codec::none:
      return false;
    case Codec::lz4:
      first_ = 0;
      last_ = unpack_lz4(last) ? last : 0;
      return last_ > 0;
    case Codec::bslz4:
      first_ = first;
      last_ = unpack_bslz4(first, last) ? last : first;
      return last_ > first;
  }
  return false;
}

/// One block: what comes before the part that is wanted has to be unpacked as well.
bool Unpacked::unpack_lz4(std::size_t last) {
  const std::size_t packed = pixels_.data.size();
  if (packed > kLargest || size_ > kLargest) return false;
  const auto* in = reinterpret_cast<const char*>(pixels_.data.data());
  auto* out = reinterpret_cast<char*>(scratch(size_));
  if (last == size_ && !pixels_.layout) {
    const int size = LZ4_decompress_safe(in, out, static_cast<int>(packed), static_cast<int>(size_));
    return size >= 0 && static_cast<std::size_t>(size) == size_;
  }
  const int size = LZ4_decompress_safe_partial(in, out, static_cast<int>(packed), static_cast<int>(last),
                                               static_cast<int>(size_));
  return size >= 0 && static_cast<std::size_t>(size) >= last;
}

/// The blocks with something of [first, last); the others are stepped over.
bool Unpacked::unpack_bslz4(std::size_t first, std::size_t last) {
  constexpr std::size_t kHeader = 12, kBlockHeader = 4, kElements = 8;
  constexpr std::size_t kMostInBlock = std::size_t{64} << 20;
  const std::span<const std::byte> in = pixels_.data;
  const std::size_t element = pixel_bytes(pixels_.type);
  if (in.size() < kHeader) return false;
  const std::uint64_t total = big_endian<std::uint64_t>(in.data());
  const std::size_t block = big_endian<std::uint32_t>(in.data() + 8);
  if (pixels_.layout ? total < size_ : total != size_) return false;
  if (block == 0 || block % (kElements * element) != 0 || block > kMostInBlock || total % element != 0)
    return false;
  std::byte* const out = scratch(size_);
  thread_local std::vector<std::byte> shuffled, unshuffled;
  std::size_t at = kHeader;
  // Elements that make no eight are not packed, and come last.
  const std::size_t packed_total = total - total % (kElements * element);
  for (std::size_t begin = 0; begin < std::min(packed_total, last); begin += block) {
    const std::size_t bytes = std::min(block, packed_total - begin);
    if (in.size() - at < kBlockHeader) return false;
    const std::size_t packed = big_endian<std::uint32_t>(in.data() + at);
    at += kBlockHeader;
    if (packed > in.size() - at || packed > kLargest) return false;
    if (begin + bytes > first) {
      if (shuffled.size() < bytes) shuffled.resize(bytes);
      const int size = LZ4_decompress_safe(reinterpret_cast<const char*>(in.data() + at),
                                           reinterpret_cast<char*>(shuffled.data()), static_cast<int>(packed),
                                           static_cast<int>(bytes));
      if (size < 0 || static_cast<std::size_t>(size) != bytes) return false;
      const std::size_t kept = std::min(bytes, size_ - begin);  // a layout may leave out what comes last
      if (kept == bytes) {
        unshuffle_bits(shuffled.data(), out + begin, bytes / element, element);
      } else {
        unshuffled.resize(bytes);
        unshuffle_bits(shuffled.data(), unshuffled.data(), bytes / element, element);
        std::memcpy(out + begin, unshuffled.data(), kept);
      }
    }
    at += packed;
  }
  if (last > packed_total) {
    const std::size_t wanted = std::min<std::size_t>(total, size_) - packed_total;
    if (in.size() - at < wanted) return false;
    std::memcpy(out + packed_total, in.data() + at, wanted);
    at += total - packed_total;
  }
  return last < size_ || pixels_.layout || at == in.size();
}

}  // namespace flashphase::preprocess
