#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flashphase {

/// One JSON object on one line, keys in the order they were added.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  JsonObject& add(std::string_view key, const char* value) { return raw(key, quoted(value)); }
  JsonObject& add(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  /// An id of a frame, as text: many readers of JSON round numbers beyond 2^53.
  JsonObject& add_id(std::string_view key, std::uint64_t value) {
    return raw(key, quoted(std::to_string(value)));
  }
  JsonObject& add(std::string_view key, std::integral auto value) { return raw(key, std::to_string(value)); }
  /// A value that is not finite becomes null.
  JsonObject& add(std::string_view key, double value);
  JsonObject& add(std::string_view key, const JsonObject& value) { return raw(key, value.text()); }
  JsonObject& add(std::string_view key, const std::vector<JsonObject>& values);

  std::string text() const { return "{" + members_ + "}"; }

 private:
  JsonObject& raw(std::string_view key, std::string_view value);
  static std::string quoted(std::string_view text);

  std::string members_;
};

}  // namespace flashphase
