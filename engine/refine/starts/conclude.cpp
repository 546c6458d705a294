#include "engine/refine/starts/conclude.h"

#include <algorithm>

#include "engine/refine/starts/choose.h"
#include "engine/refine/starts/free_pixels.h"
#include "engine/refine/starts/registration.h"
#include "engine/score/metrics.h"

namespace flashphase::refine {
namespace {

constexpr std::uint64_t kFreePixelSeed = 1;  // the same pixels for every frame and start

bool compares(const Choosing& choosing) {
  return choosing.by == Choice::agreement || choosing.average != Averaging::never || choosing.confidence;
}

void weigh_free_pixels(const PatternBatch& patterns, const Starts& starts, int frame, Results& results,
                       const ForEach& each) {
  const auto measured = patterns.measured_of(frame);
  std::vector<std::uint8_t> held_out = Conclusion::seen(patterns, starts, frame);
  for (std::size_t i = 0; i < held_out.size(); ++i) held_out[i] = measured[i] && !held_out[i];
  results.free_log_likelihood.resize(static_cast<std::size_t>(results.objects.count));
  each(results.objects.count, [&](int k) {
    const auto calculated =
        score::diffraction(results.objects.object_of(k), results.objects.size, patterns.size);
    results.free_log_likelihood[static_cast<std::size_t>(k)] =
        static_cast<float>(-score::poisson_llk(calculated, patterns.intensity_of(frame), held_out));
  });
}

}  // namespace

void Conclusion::begin(const PatternBatch& patterns, const Starts& starts, Refined& out) {
  const auto frames = static_cast<std::size_t>(patterns.count);
  out.objects = ObjectBatch(patterns.count, starts.size);
  std::ranges::fill(out.objects.residual, 1.0f);
  for (int frame = 0; frame < patterns.count; ++frame)
    std::ranges::copy(starts.support_of(frame), out.objects.support_of(frame).begin());
  out.iterations.assign(frames, 0);
  out.agreement.assign(starts.per_frame > 1 && compares(starts.choosing) ? frames : 0, 0.0f);
  out.prtf.assign(out.agreement.size() * (static_cast<std::size_t>(patterns.size) / 2 + 1), 0.0f);
  out.free_log_likelihood.assign(starts.choosing.held_out > 0 ? frames : 0, 0.0f);
  out.outcomes.clear();
}

std::vector<std::uint8_t> Conclusion::seen(const PatternBatch& patterns, const Starts& starts, int frame) {
  const auto measured = patterns.measured_of(frame);
  const float held_out = starts.choosing.held_out;
  if (held_out > 0) return without_free_pixels(measured, patterns.size, held_out, kFreePixelSeed);
  return {measured.begin(), measured.end()};
}

void Conclusion::operator()(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
                            int frame, Results& results, Refined& out, const ForEach& each) {
  const Choosing& choosing = starts.choosing;
  const auto index = static_cast<std::size_t>(frame);
  const auto upper_limit = starts.upper_limit_of(frame);
  if (choosing.held_out > 0) weigh_free_pixels(patterns, starts, frame, results, each);
  Chosen chosen;
  if (compares(choosing) || choosing.by == Choice::free_log_likelihood) {
    const bool noisy = choosing.average != Averaging::automatic ||
                       ends_in_noise(patterns.intensity_of(frame), patterns.measured_of(frame),
                                     *std::ranges::min_element(results.objects.residual));
    chosen = choose(results, choosing, patterns.size, noisy, upper_limit, each);
  } else {
    chosen.index = lowest_residual(results);
  }
  const auto which = static_cast<std::size_t>(chosen.index);
  const auto object = out.objects.object_of(frame);
  const auto support = out.objects.support_of(frame);
  std::ranges::copy(results.objects.object_of(chosen.index), object.begin());
  std::ranges::copy(results.objects.support_of(chosen.index), support.begin());
  out.iterations[index] = results.iterations[which];
  settle_average(patterns, starts, schedule, frame, results, chosen.average);
  if (!chosen.average.object.empty()) {
    std::ranges::copy(chosen.average.object, object.begin());
    std::ranges::copy(chosen.average.support, support.begin());
  }
  if (!out.agreement.empty()) {
    out.agreement[index] = chosen.agreement;
    std::ranges::copy(chosen.prtf,
                      out.prtf.begin() + static_cast<std::ptrdiff_t>(index * chosen.prtf.size()));
  }
  if (choosing.held_out > 0) out.free_log_likelihood[index] = results.free_log_likelihood[which];
  const bool registers = choosing.like_first_start;
  if (registers) {
    const std::size_t cells = out.objects.object_cells();
    const auto first = index * static_cast<std::size_t>(starts.per_frame) * cells;
    register_to(std::span(starts.object).subspan(first, cells), object, support, starts.size);
  }
  const bool as_it_was = chosen.average.object.empty() && !registers && choosing.held_out <= 0;
  if (as_it_was && !rescores_) {
    out.objects.residual[index] = std::min(1.0f, results.objects.residual[which]);
    return;
  }
  out.objects.residual[index] =
      scorer_(patterns.intensity_of(frame), patterns.measured_of(frame), object, starts.size);
}

void Conclusion::settle_average(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
                                int frame, const Results& results, Average& average) {
  if (average.object.empty()) return;
  if (!iterate_) iterate_.emplace(patterns.size);
  const std::vector<std::uint8_t> pixels = seen(patterns, starts, frame);
  iterate_->set_pattern(patterns.intensity_of(frame), pixels, schedule.modulus);
  settle(*iterate_, results, static_cast<int>(std::ranges::count(pixels, 1)), starts.choosing.settle,
         average);
}

}  // namespace flashphase::refine
