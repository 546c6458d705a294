#include "engine/refine/input_check.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace flashphase::refine {
namespace {

constexpr float kMostHeldOut = 0.2f;

}  // namespace

void check_input(const PatternBatch& patterns, const Starts& starts) {
  const auto fail = [](const std::string& what) { throw std::invalid_argument("refine: " + what); };
  const int m = patterns.size, n = starts.size;
  if (patterns.count < 0 || m < 1 || patterns.intensity.size() != patterns.cells() ||
      patterns.measured.size() != patterns.cells()) {
    fail("the patterns must be [B, m, m] with a measured flag for each pixel");
  }
  if (n < 1 || n > m / 2) {
    fail("the object must have an edge from 1 to half the pattern's (" + std::to_string(m / 2) + "), not " +
         std::to_string(n));
  }
  const std::size_t cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  const auto frames = static_cast<std::size_t>(patterns.count);
  if (starts.per_frame < 1 || starts.support.size() != frames * cells ||
      starts.object.size() != frames * static_cast<std::size_t>(starts.per_frame) * cells) {
    fail("the starts must be objects [B, K, n, n] and supports [B, n, n] with the patterns' B and K >= 1");
  }
  if (!starts.upper_limit.empty() && starts.upper_limit.size() != starts.support.size())
    fail("the upper limit must be [B, n, n] like the supports");
  const Choosing& choosing = starts.choosing;
  if (!(choosing.held_out >= 0) || choosing.held_out > kMostHeldOut)
    fail("between 0 and 0.2 of the pixels can be held out, not " + std::to_string(choosing.held_out));
  if (choosing.by == Choice::free_log_likelihood && choosing.held_out <= 0)
    fail("to choose by free pixels some must be held out");
  if (choosing.settle < 0) fail("a mean cannot settle for fewer than 0 iterations");
  if (choosing.generations < 1) fail("there must be at least one generation");
  for (const auto value : starts.object) {
    if (!std::isfinite(value.real()) || !std::isfinite(value.imag()))
      fail("a start holds a value that is not finite");
  }
  for (int frame = 0; frame < patterns.count; ++frame) {
    const auto measured = patterns.measured_of(frame);
    const auto intensity = patterns.intensity_of(frame);
    bool any = false;
    for (std::size_t i = 0; i < measured.size(); ++i) {
      if (!measured[i]) continue;
      any = true;
      if (!(intensity[i] >= 0) || !std::isfinite(intensity[i])) {
        fail("pattern " + std::to_string(frame) + " holds a measured pixel that is negative or not finite");
      }
    }
    if (!any) fail("pattern " + std::to_string(frame) + " has no measured pixel");
    const std::vector<std::uint8_t> support = starts.support_of(frame);
    if (std::ranges::all_of(support, [](auto inside) { return inside == 0; }))
      fail("the support of pattern " + std::to_string(frame) + " is empty");
  }
}

void check_input(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule) {
  if (schedule.until_explained)
    throw std::invalid_argument("refine: the schedule explain is one for make_explaining_solver");
  check_input(patterns, starts);
}

void check_steps(const Solver& solver, const Schedule& schedule) {
  if (std::ranges::any_of(schedule.steps, [&](const Step& step) { return !solver.has(step.algorithm); }))
    throw std::invalid_argument("refine: ML in the schedule '" + schedule.text +
                                "' is computed on the CPU alone, not on a GPU");
}

}  // namespace flashphase::refine
