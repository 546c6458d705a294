#include "trainer/event_file.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <ios>
#include <stdexcept>
#include <system_error>

namespace flashphase::trainer {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0x82f63b78u : 0);
  }
  return table;
}

template <class Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

std::string masked_crc(std::string_view bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xa282ead8u);
}

// The wire format of Protobuf: each field behind its number and kind.

std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number > 0x7f; number >>= 7) bytes += static_cast<char>((number & 0x7f) | 0x80);
  bytes += static_cast<char>(number);
  return bytes;
}

std::string field_of(int field, int kind, std::string_view content) {
  std::string bytes = varint(static_cast<std::uint64_t>(field << 3 | kind));
  bytes += content;
  return bytes;
}

std::string number_field(int field, std::uint64_t number) {
  return field_of(field, 0, varint(number));
}

std::string double_field(int field, double number) {
  return field_of(field, 1, little_endian(std::bit_cast<std::uint64_t>(number)));
}

std::string float_field(int field, float number) {
  return field_of(field, 5, little_endian(std::bit_cast<std::uint32_t>(number)));
}

std::string bytes_field(int field, std::string_view bytes) {
  std::string content = varint(bytes.size());
  content += bytes;
  return field_of(field, 2, content);
}

/// wall_time = 1 and step = 2 of an Event.
std::string head(std::uint64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return double_field(1, std::chrono::duration<double>(now).count()) + number_field(2, step);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

EventFile::EventFile(const std::string& folder, std::uint64_t first_step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  path_ = folder + "/events.out.tfevents." +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()) + ".flashphase." +
          std::to_string(::getpid());
  for (int i = 1; std::filesystem::exists(path_, error); ++i) path_.append(".").append(std::to_string(i));
  file_.open(path_, std::ios::binary);
  if (!file_)
    throw std::invalid_argument("--tensorboard " + folder +
                                " is no folder that takes a file; name one that can be written or made");
  write(head(0) + bytes_field(3, "brain.Event:2"));  // file_version
  constexpr int kStart = 1;
  write(head(first_step) + bytes_field(7, number_field(1, kStart)));  // session_log
}

void EventFile::add(std::uint64_t step, const std::vector<std::pair<std::string, double>>& scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars)
    summary += bytes_field(1, bytes_field(1, name) + float_field(2, static_cast<float>(value)));
  write(head(step) + bytes_field(5, summary));
}

void EventFile::write(std::string_view event) {
  const std::string length = little_endian<std::uint64_t>(event.size());
  file_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
  if (!file_) throw std::runtime_error(path_ + " cannot be written; is the disk full?");
}

}  // namespace flashphase::trainer
