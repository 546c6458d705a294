#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flashphase::http {

/// Writes one JSON text from left to right; commas are its business, order and balance the caller's.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth);
  JsonWriter& value(double number);  ///< null when not finite
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& null();
  /// As text: many readers of JSON, browsers first, round numbers beyond 2^53.
  JsonWriter& id(std::string_view name, std::uint64_t number);

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

  std::string take() { return std::move(text_); }

 private:
  void separate();
  JsonWriter& raw(std::string_view text);

  std::string text_;
  bool first_ = true;
};

std::string base64(std::span<const std::byte> bytes);

}  // namespace flashphase::http
