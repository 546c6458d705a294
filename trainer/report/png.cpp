#include "trainer/report/png.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace flashphase::trainer::report {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xff);
  return bytes;
}

std::uint32_t crc(const std::string& bytes) {
  std::uint32_t value = 0xffffffff;
  for (const char c : bytes) {
    value ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~value;
}

std::string chunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(crc(body));
}

/// A zlib stream of stored blocks (RFC 1950, 1951).
std::string stored(const std::string& data) {
  constexpr std::size_t kMost = 65535;
  std::string out = "\x78\x01";
  for (std::size_t first = 0; first < data.size(); first += kMost) {
    const std::size_t count = std::min(kMost, data.size() - first);
    const auto byte = [](std::size_t value) { return static_cast<char>(value & 0xff); };
    out += byte(first + count == data.size());
    for (const std::size_t length : {count, ~count}) out.append(1, byte(length)).append(1, byte(length >> 8));
    out.append(data, first, count);
  }
  std::uint32_t a = 1, b = 0;
  for (const char c : data) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return out + big_endian((b << 16) | a);
}

std::string colours(Picture::Palette palette) {
  // Black, violet, orange, pale yellow.
  constexpr std::array<std::array<double, 3>, 4> kStops{
      {{6, 4, 20}, {110, 30, 120}, {240, 125, 50}, {252, 250, 200}}};
  std::string out;
  for (int i = 0; i < 256; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const double part = i / 255.0;
      double value = 0;
      if (palette == Picture::Palette::cyclic) {
        value = 140 + 100 * std::cos(2 * std::numbers::pi * (part - static_cast<double>(channel) / 3));
      } else {
        const double at = part * (kStops.size() - 1);
        const auto below = std::min(static_cast<std::size_t>(at), kStops.size() - 2);
        const double rest = at - static_cast<double>(below);
        value = kStops[below][channel] * (1 - rest) + kStops[below + 1][channel] * rest;
      }
      out += static_cast<char>(static_cast<unsigned char>(std::lround(value)));
    }
  }
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k > bytes.size() ? '=' : kDigits[(three >> (18 - 6 * k)) & 63];
  }
  return out;
}

}  // namespace

std::string to_data_uri(const Picture& picture) {
  using std::string_literals::operator""s;
  const auto size = static_cast<std::size_t>(picture.size);
  std::string rows;
  for (std::size_t y = 0; y < size; ++y)
    rows.append(1, '\0').append(reinterpret_cast<const char*>(picture.values.data()) + y * size, size);
  const std::string edge = big_endian(static_cast<std::uint32_t>(picture.size));
  return "data:image/png;base64," +
         base64("\x89PNG\r\n\x1a\n"s + chunk("IHDR", edge + edge + "\x08\x03\x00\x00\x00"s) +
                chunk("PLTE", colours(picture.palette)) + chunk("tRNS", "\0"s) + chunk("IDAT", stored(rows)) +
                chunk("IEND", ""));
}

}  // namespace flashphase::trainer::report
