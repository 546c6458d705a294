#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// What a report says, as numbers and words: to_json() and to_html() write the same page.
namespace flashphase::trainer::report {

/// Values of a plot. `line`: y at x, between `low` and `high` where these are given; `points`: the same
/// without a line; `bars`: y between the edges x, of which there is one more.
struct Series {
  enum class Kind { line, points, bars };

  std::string name;
  std::vector<double> x, y;
  std::vector<double> low{}, high{};
  Kind kind = Kind::line;
};

struct Plot {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;  ///< values that are not positive are left out then
  std::vector<Series> series{};
};

/// One cell: words, or a number.
using Cell = std::variant<std::string, double>;

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows{};
};

/// A square image of values 1 to 255; 0 is transparent.
struct Picture {
  enum class Palette { brightness, cyclic };

  int size = 0;
  std::vector<std::uint8_t> values;  ///< [size, size]
  Palette palette = Palette::brightness;
};

struct Gallery {
  struct Row {
    std::string name;
    std::vector<Picture> pictures;
  };

  std::string title;
  std::vector<std::string> columns;
  std::vector<Row> rows{};
};

struct Section {
  std::string key;  ///< in the JSON
  std::string title, text;
  std::vector<Table> tables{};
  std::vector<Plot> plots{};
  std::vector<Gallery> galleries{};
};

struct Page {
  std::string title, text;
  std::vector<Section> sections;
};

/// One JSON object: all of the page but its pictures, of which it names rows and columns. A number that is
/// not finite becomes null.
std::string to_json(const Page& page);

/// One HTML page that needs nothing beside it.
std::string to_html(const Page& page);

/// One plot as an SVG element; its colours are the page's.
std::string to_svg(const Plot& plot);

/// A number as a reader wants it: three digits that count.
std::string short_number(double value);

/// Text with the signs of HTML escaped.
std::string escaped(const std::string& text);

}  // namespace flashphase::trainer::report
