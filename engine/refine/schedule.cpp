#include "engine/refine/schedule.h"

#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace flashphase::refine {
namespace {

constexpr int kMostIterations = 1'000'000;
constexpr int kDeepest = 32;  // parentheses inside parentheses

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kPresets{{
    {"polish", "80*HIO+20*ER"},
    {"paper", "12*(40*HIO+10*ER)+SW(every=10,from=100,sigma=2:0.8,threshold=0.1)"},
    {"random", "11*(45*HIO+5*ER)+50*ER+SW(every=10,from=100,sigma=2:0.8,threshold=0.1)"},
}};

int count_iterations(const std::vector<Step>& steps) {
  int sum = 0;
  for (const Step& step : steps) sum += step.iterations;
  return sum;
}

void append(std::vector<Step>& steps, const Step& step) {
  if (!steps.empty() && steps.back().algorithm == step.algorithm && steps.back().beta == step.beta) {
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

  /// Nothing for SW, which is a setting of the whole schedule.
  std::optional<Step> word(bool shrink_wrap_allowed) {
    const std::size_t column = skip_spaces();
    const std::string_view name = letters();
    if (name == "ER") return Step{Algorithm::er, 1, Step{}.beta};
    if (name == "HIO") return hio();
    if (name == "SW") {
      if (!shrink_wrap_allowed) fail(column, "SW stands alone, outside parentheses and without a count");
      if (shrink_wrap_) fail(column, "SW is there twice");
      shrink_wrap_ = shrink_wrap();
      return std::nullopt;
    }
    if (name.empty()) fail(column, "expected a count, ER, HIO, SW or '('");
    fail(column, "unknown word '" + std::string(name) + "', expected ER, HIO or SW");
  }

  Step hio() {
    Step step{Algorithm::hio, 1, Step{}.beta};
    parameters(
        [&](std::string_view name) {
          if (name != "beta") return false;
          step.beta = number(0.01f, 2.0f);
          return true;
        },
        "beta");
    return step;
  }

  ShrinkWrap shrink_wrap() {
    ShrinkWrap result;
    parameters(
        [&](std::string_view name) {
          if (name == "every") {
            result.every = integer(1, kMostIterations);
          } else if (name == "from") {
            result.from = integer(0, kMostIterations);
          } else if (name == "sigma") {
            result.sigma_start = result.sigma_end = number(0.0f, 100.0f);
            if (take(':')) result.sigma_end = number(0.0f, 100.0f);
          } else if (name == "threshold") {
            result.threshold = number(0.001f, 0.999f);
          } else {
            return false;
          }
          return true;
        },
        "every, from, sigma or threshold");
    return result;
  }

  /// Reads (name=value,...) where present; `set` reads the value of a name it knows.
  template <class Set>
  void parameters(Set set, const std::string& known) {
    if (!take('(')) return;
    do {
      const std::size_t column = skip_spaces();
      const std::string_view name = letters();
      expect('=');
      if (!set(name)) fail(column, "unknown parameter '" + std::string(name) + "', expected " + known);
    } while (take(','));
    expect(')');
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
};

}  // namespace

int Schedule::iterations() const {
  return count_iterations(steps);
}

Schedule parse_schedule(std::string_view text) {
  Schedule schedule;
  if (text != "none") {
    std::string_view notation = text;
    for (const auto& [name, meaning] : kPresets) {
      if (text == name) notation = meaning;
    }
    schedule = Parser(notation).parse();
  }
  schedule.text = text;
  return schedule;
}

}  // namespace flashphase::refine
