#include <array>
#include <cmath>
#include <cstdio>

#include "trainer/report/page.h"

namespace flashphase::trainer::report {
namespace {

std::string json(double value) {
  if (!std::isfinite(value)) return "null";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.7g", value);
  return text.data();
}

std::string json(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (code < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(code));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string json(const Cell& cell) {
  return std::visit([](const auto& value) { return json(value); }, cell);
}

std::string json(const Series& series);
std::string json(const Plot& plot);
std::string json(const Table& table);
std::string json(const Gallery::Row& row);
std::string json(const Gallery& gallery);

template <class T>
std::string json(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) out += (&value == values.data() ? "" : ", ") + json(value);
  return out + "]";
}

std::string member(const std::string& key, const std::string& value) {
  return json(key) + ": " + value;
}

std::string json(const Series& series) {
  std::string out = "{";
  out += member("name", json(series.name)) + ", " + member("x", json(series.x)) + ", " +
         member("y", json(series.y));
  if (!series.low.empty())
    out += ", " + member("low", json(series.low)) + ", " + member("high", json(series.high));
  return out + "}";
}

std::string json(const Plot& plot) {
  return std::string("\n   {") + member("title", json(plot.title)) + ", " + member("x", json(plot.x_label)) +
         ", " + member("y", json(plot.y_label)) + ", " + member("series", json(plot.series)) + "}";
}

std::string json(const Table& table) {
  return std::string("\n   {") + member("title", json(table.title)) + ", " +
         member("columns", json(table.columns)) + ", " + member("rows", json(table.rows)) + "}";
}

std::string json(const Gallery::Row& row) {
  return json(row.name);
}

std::string json(const Gallery& gallery) {
  return std::string("\n   {") + member("title", json(gallery.title)) + ", " +
         member("columns", json(gallery.columns)) + ", " + member("rows", json(gallery.rows)) + "}";
}

}  // namespace

std::string to_json(const Page& page) {
  std::string out = "{";
  out += member("title", json(page.title)) + ", " + member("text", json(page.text));
  for (const Section& section : page.sections)
    out += ",\n " + member(section.key, "{") + member("title", json(section.title)) + ", " +
           member("text", json(section.text)) + ",\n  " + member("tables", json(section.tables)) + ",\n  " +
           member("plots", json(section.plots)) + ",\n  " + member("galleries", json(section.galleries)) +
           "}";
  return out + "\n}\n";
}

}  // namespace flashphase::trainer::report
