#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "trainer/report/page.h"

namespace flashphase::trainer::report {
namespace {

constexpr double kLeft = 62, kRight = 448, kTop = 10, kBottom = 250;
constexpr std::size_t kStyles = 6;  // of series, in the page's style sheet

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

/// From values to places on the page.
class Axis {
 public:
  Axis(bool log, double from, double to) : log_(log), from_(from), to_(to) {}

  void include(double value) {
    if (!std::isfinite(value) || (log_ && !(value > 0))) return;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }

  /// After all is included.
  void settle() {
    if (!(low_ <= high_)) low_ = high_ = 1;
    if (log_) {
      low_ = std::log10(low_);
      high_ = std::log10(high_);
    }
    if (high_ - low_ < 1e-12 * (1 + std::abs(high_))) {
      low_ -= 0.5;
      high_ += 0.5;
    }
    const bool from_zero = !log_ && low_ == 0;
    const double margin = 0.04 * (high_ - low_);
    if (!from_zero) low_ -= margin;
    high_ += margin;
  }

  bool takes(double value) const { return std::isfinite(value) && (!log_ || value > 0); }
  double at(double value) const {
    return from_ + ((log_ ? std::log10(value) : value) - low_) / (high_ - low_) * (to_ - from_);
  }

  std::vector<double> ticks() const {
    std::vector<double> found;
    if (log_ && high_ - low_ > 1) {
      const double step = std::ceil((high_ - low_) / 6);
      for (double e = std::ceil(low_ / step) * step; e <= high_; e += step) found.push_back(std::pow(10, e));
      return found;
    }
    if (log_) {
      for (double decade = std::floor(low_); decade <= high_; ++decade)
        for (const double digit : {1.0, 2.0, 3.0, 5.0})
          if (const double e = decade + std::log10(digit); e >= low_ && e <= high_)
            found.push_back(digit * std::pow(10, decade));
      return found;
    }
    const double rough = (high_ - low_) / 5, decade = std::pow(10, std::floor(std::log10(rough)));
    const double step = decade * (rough > 5 * decade ? 10 : rough > 2 * decade ? 5 : rough > decade ? 2 : 1);
    for (double k = std::ceil(low_ / step); k * step <= high_; ++k) found.push_back(k * step);
    return found;
  }

 private:
  bool log_;
  double from_, to_;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : x_(plot.log_x, kLeft, kRight), y_(plot.log_y, kBottom, kTop) {
    for (const Series& series : plot.series) {
      for (const double value : series.x) x_.include(value);
      for (const auto* values : {&series.y, &series.low, &series.high})
        for (const double value : *values) y_.include(value);
      if (series.kind == Series::Kind::bars) y_.include(0);
    }
    x_.settle();
    y_.settle();
  }

  std::string frame(const Plot& plot) const {
    std::string out;
    for (const double tick : x_.ticks()) {
      const std::string at = number(x_.at(tick));
      out += "<path class=\"g\" d=\"M" + at + " " + number(kTop) + "V" + number(kBottom) + "\"/><text x=\"" +
             at + "\" y=\"" + number(kBottom + 15) + "\" class=\"m\">" + short_number(tick) + "</text>";
    }
    for (const double tick : y_.ticks()) {
      const std::string at = number(y_.at(tick));
      out += "<path class=\"g\" d=\"M" + number(kLeft) + " " + at + "H" + number(kRight) + "\"/><text x=\"" +
             number(kLeft - 5) + "\" y=\"" + number(y_.at(tick) + 4) + "\" class=\"e\">" +
             short_number(tick) + "</text>";
    }
    out += "<path class=\"a\" d=\"M" + number(kLeft) + " " + number(kTop) + "V" + number(kBottom) + "H" +
           number(kRight) + "\"/>";
    out += "<text x=\"" + number((kLeft + kRight) / 2) + "\" y=\"" + number(kBottom + 34) +
           "\" class=\"m\">" + escaped(plot.x_label) + "</text>";
    out += "<text class=\"m\" transform=\"translate(13 " + number((kTop + kBottom) / 2) + ") rotate(-90)\">" +
           escaped(plot.y_label) + "</text>";
    return out;
  }

  std::string draw(const Series& series, std::size_t style) const {
    const std::string name = std::string("s").append(std::to_string(style % kStyles));
    std::string out;
    if (series.kind == Series::Kind::bars) {
      for (std::size_t i = 0; i + 1 < series.x.size(); ++i)
        out += "<rect class=\"b " + name + "\" x=\"" + number(x_.at(series.x[i])) + "\" y=\"" +
               number(y_.at(series.y[i])) + "\" width=\"" +
               number(x_.at(series.x[i + 1]) - x_.at(series.x[i])) + "\" height=\"" +
               number(kBottom - y_.at(series.y[i])) + "\"/>";
      return out;
    }
    if (!series.low.empty()) {
      std::string there, back;
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (!y_.takes(series.low[i]) || !y_.takes(series.high[i]) || !x_.takes(series.x[i])) continue;
        there += place(there.empty() ? "M" : "L", series.x[i], series.high[i]);
        back.insert(0, place("L", series.x[i], series.low[i]));
      }
      if (!there.empty()) out += "<path class=\"f " + name + "\" d=\"" + there + back + "Z\"/>";
    }
    std::string line;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!y_.takes(series.y[i]) || !x_.takes(series.x[i])) continue;
      line += place(line.empty() ? "M" : "L", series.x[i], series.y[i]);
      if (series.x.size() <= 12)
        out += "<circle class=\"p " + name + "\" cx=\"" + number(x_.at(series.x[i])) + "\" cy=\"" +
               number(y_.at(series.y[i])) + "\" r=\"3.2\"/>";
    }
    if (series.kind == Series::Kind::line && !line.empty())
      out += "<path class=\"l " + name + "\" d=\"" + line + "\"/>";
    return out;
  }

 private:
  std::string place(const char* command, double x, double y) const {
    return std::string(command).append(number(x_.at(x))).append(" ").append(number(y_.at(y)));
  }

  Axis x_, y_;
};

}  // namespace

std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  std::string out = text.data();
  if (std::abs(value) < 1e7 && value == std::round(value) && std::stod(out) != value)
    return std::to_string(std::lround(value));
  if (const auto e = out.find('e'); e != std::string::npos) {
    const std::string mantissa = out.substr(0, e);
    out = mantissa + "e" + std::to_string(std::stoi(out.substr(e + 1)));
  }
  return out;
}

std::string to_svg(const Plot& plot) {
  const Drawing drawing(plot);
  std::string out = "<svg viewBox=\"0 0 460 290\" role=\"img\" aria-label=\"" + escaped(plot.title) + "\">" +
                    drawing.frame(plot);
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += drawing.draw(plot.series[i], i);
  return out + "</svg>";
}

}  // namespace flashphase::trainer::report
