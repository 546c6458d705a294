#include "engine/refine/schedule.h"

#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace flashphase::refine {
namespace {

constexpr int kMostIterations = 1'000'000;
constexpr int kDeepest = 32;  // parentheses inside parentheses

constexpr std::string_view kExplain = "explain", kRandom = "random";
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kPresets{{
    {"polish", "85*HIO+15*AER"},
    {"thorough", "85*HIO+15*AER+765*HIO+135*AER"},
    {kExplain, "85*HIO+15*AER+765*HIO+135*AER"},
    {"paper", "12*(40*HIO+10*ER)+SW"},
    {kRandom, "11*(45*HIO+5*ER)+100*ER+SW(threshold=0.15,grow=0)"},
}};

constexpr std::array<std::pair<std::string_view, Algorithm>, 11> kAlgorithms{{
    {"ER", Algorithm::er},
    {"AER", Algorithm::aer},
    {"HIO", Algorithm::hio},
    {"RAAR", Algorithm::raar},
    {"DM", Algorithm::dm},
    {"RRR", Algorithm::rrr},
    {"HPR", Algorithm::hpr},
    {"CHIO", Algorithm::chio},
    {"SF", Algorithm::sf},
    {"OSS", Algorithm::oss},
    {"ML", Algorithm::ml},
}};
constexpr std::string_view kWords = "ER, AER, HIO, RAAR, DM, RRR, HPR, CHIO, SF, OSS, ML, SW, MOD, STOP";

int count_iterations(const std::vector<Step>& steps) {
  int sum = 0;
  for (const Step& step : steps) sum += step.iterations;
  return sum;
}

void append(std::vector<Step>& steps, const Step& step) {
  Step longer = step;
  if (!steps.empty()) longer.iterations = steps.back().iterations;
  if (!steps.empty() && longer == steps.back()) {
    steps.back().iterations += step.iterations;
  } else {
    steps.push_back(step);
  }
}

/// Recursive descent over  terms := term {'+' term},  term := [count '*'] (word [parameters] | '(' terms
/// ')').
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Schedule parse() {
    Schedule schedule;
    schedule.steps = terms(0);
    if (at_ < text_.size()) fail(at_, "expected '+' or the end");
    if (schedule.steps.empty()) fail(0, "there is no iteration in it (the word for that is none)");
    schedule.shrink_wrap = shrink_wrap_;
    schedule.modulus = modulus_.value_or(ModulusRule{});
    schedule.stop = stop_;
    return schedule;
  }

 private:
  std::vector<Step> terms(int depth) {
    std::vector<Step> steps;
    do {
      const std::size_t column = skip_spaces();
      for (const Step& step : term(depth)) append(steps, step);
      if (count_iterations(steps) > kMostIterations) fail(column, "more than 1000000 iterations");
    } while (take('+'));
    return steps;
  }

  std::vector<Step> term(int depth) {
    const std::size_t column = skip_spaces();
    int count = 1;
    const bool counted = peek_digit();
    if (counted) {
      count = integer(1, kMostIterations);
      expect('*');
    }
    std::vector<Step> once;
    if (take('(')) {
      if (depth == kDeepest) fail(column, "too many parentheses inside each other");
      once = terms(depth + 1);
      expect(')');
    } else if (const auto step = word(depth == 0 && !counted)) {
      once.push_back(*step);
    }
    const int iterations = count_iterations(once);
    if (iterations > kMostIterations / count) fail(column, "more than 1000000 iterations");
    if (once.size() == 1) {
      once.front().iterations *= count;
      return once;
    }
    std::vector<Step> repeated;
    for (int i = 0; i < count; ++i) {
      for (const Step& step : once) append(repeated, step);
    }
    return repeated;
  }

  /// Nothing for a setting of the whole schedule.
  std::optional<Step> word(bool setting_allowed) {
    const std::size_t column = skip_spaces();
    const std::string_view name = letters();
    for (const auto& [known, algorithm] : kAlgorithms) {
      if (name == known) return step(algorithm);
    }
    const auto set = [&](auto& setting, auto read) {
      if (!setting_allowed)
        fail(column, std::string(name) + " stands alone, outside parentheses and without a count");
      if (setting) fail(column, std::string(name) + " is there twice");
      setting = (this->*read)();
      return std::nullopt;
    };
    if (name == "SW") return set(shrink_wrap_, &Parser::shrink_wrap);
    if (name == "MOD") return set(modulus_, &Parser::modulus);
    if (name == "STOP") return set(stop_, &Parser::stop);
    if (name.empty()) fail(column, "expected a count, '(' or one of " + std::string(kWords));
    fail(column, "unknown word '" + std::string(name) + "', expected one of " + std::string(kWords) +
                     ", or alone a preset: " + preset_names());
  }

  Step step(Algorithm algorithm) {
    Step step{algorithm, 1};
    if (algorithm == Algorithm::ml) {
      parameters(
          [&](std::string_view name) {
            if (name == "pull") step.pull = value_from(1e-6f, 1.0f);
            return name == "pull";
          },
          "pull");
      return step;
    }
    const bool has_beta =
        algorithm != Algorithm::er && algorithm != Algorithm::aer && algorithm != Algorithm::sf;
    const bool has_positive = algorithm != Algorithm::aer;  // its momentum leads out of what is positive
    const bool has_alpha = algorithm == Algorithm::chio;
    parameters(
        [&](std::string_view name) {
          if (name == "positive" && has_positive) {
            step.positive = true;
          } else if (name == "real") {
            step.real = true;
          } else if (name == "beta" && has_beta) {
            step.beta = value_from(0.01f, 2.0f);
          } else if (name == "alpha" && has_alpha) {
            step.alpha = value_from(0.01f, 1.0f);
          } else {
            return false;
          }
          return true;
        },
        std::string(has_alpha ? "alpha, " : "") + (has_beta ? "beta, " : "") +
            (has_positive ? "positive or real" : "real"));
    return step;
  }

  ShrinkWrap shrink_wrap() {
    ShrinkWrap result;
    parameters(
        [&](std::string_view name) {
          if (name == "every") {
            result.every = whole_value_from(1, kMostIterations);
          } else if (name == "from") {
            result.from = whole_value_from(0, kMostIterations);
          } else if (name == "sigma") {
            std::tie(result.sigma_start, result.sigma_end) = course_from(0.0f, 100.0f);
          } else if (name == "threshold") {
            result.threshold = value_from(0.001f, 0.999f);
          } else if (name == "area") {
            std::tie(result.area_start, result.area_end) = course_from(0.001f, 1.0f);
          } else if (name == "grow") {
            result.grow = whole_value_from(0, 100);
          } else {
            return false;
          }
          return true;
        },
        "every, from, sigma, threshold, area or grow");
    return result;
  }

  ModulusRule modulus() {
    ModulusRule result;
    parameters(
        [&](std::string_view name) {
          if (name == "confidence") {
            result.confidence = value_from(0.0f, 100.0f);
          } else if (name == "bound") {
            result.bound = value_from(0.0f, 1e6f);
          } else {
            return false;
          }
          return true;
        },
        "confidence or bound");
    return result;
  }

  Stop stop() {
    Stop result;
    parameters(
        [&](std::string_view name) {
          if (name == "after") {
            result.after = whole_value_from(1, kMostIterations);
          } else if (name == "gain") {
            result.gain = value_from(0.0f, 0.999f);
          } else if (name == "below") {
            result.below = value_from(0.0f, 1.0f);
          } else {
            return false;
          }
          return true;
        },
        "after, gain or below");
    return result;
  }

  /// Reads (name=value,option,...) where present; `set` reads the value of a name it knows.
  template <class Set>
  void parameters(Set set, const std::string& known) {
    if (!take('(')) return;
    do {
      const std::size_t column = skip_spaces();
      const std::string_view name = letters();
      if (!set(name)) fail(column, "unknown parameter '" + std::string(name) + "', expected " + known);
    } while (take(','));
    expect(')');
  }

  int whole_value_from(int smallest, int largest) {
    expect('=');
    return integer(smallest, largest);
  }

  float value_from(float smallest, float largest) {
    expect('=');
    return number(smallest, largest);
  }

  /// start:end, or one number for both.
  std::pair<float, float> course_from(float smallest, float largest) {
    const float start = value_from(smallest, largest);
    return {start, take(':') ? number(smallest, largest) : start};
  }

  int integer(int smallest, int largest) {
    const std::size_t column = skip_spaces();
    int value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value < smallest || value > largest) {
      fail(column,
           "expected a whole number from " + std::to_string(smallest) + " to " + std::to_string(largest));
    }
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  float number(float smallest, float largest) {
    const std::size_t column = skip_spaces();
    float value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || !(value >= smallest) || !(value <= largest)) {
      fail(column, "expected a number from " + shortest(smallest) + " to " + shortest(largest));
    }
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  static std::string shortest(float value) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
  }

  std::string_view letters() {
    const std::size_t first = skip_spaces();
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_]))) ++at_;
    return text_.substr(first, at_ - first);
  }

  std::size_t skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_;
  }

  bool peek_digit() {
    skip_spaces();
    return at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]));
  }

  bool take(char c) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    skip_spaces();
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(at_, std::string("expected '") + c + "'");
  }

  [[noreturn]] void fail(std::size_t at, const std::string& what) const {
    throw std::invalid_argument("schedule '" + std::string(text_.substr(0, 200)) + "', column " +
                                std::to_string(at + 1) + ": " + what);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<ShrinkWrap> shrink_wrap_;
  std::optional<ModulusRule> modulus_;
  std::optional<Stop> stop_;
};

}  // namespace

int Schedule::iterations() const {
  return count_iterations(steps);
}

std::string preset_names() {
  std::string names;
  for (const auto& [name, meaning] : kPresets) names += std::string(name) + ", ";
  return names + "none";
}

Schedule parse_schedule(std::string_view text) {
  Schedule schedule;
  if (text != "none") {
    std::string_view notation = text;
    for (const auto& [name, meaning] : kPresets) {
      if (text == name) notation = meaning;
    }
    schedule = Parser(notation).parse();
    schedule.until_explained = text == kExplain;
    schedule.tries_areas = text == kRandom;
  }
  schedule.text = text;
  return schedule;
}

}  // namespace flashphase::refine
