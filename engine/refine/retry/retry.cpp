#include "engine/refine/retry/retry.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "engine/refine/starts/extent.h"
#include "engine/refine/starts/taper.h"
#include "engine/score/autocorrelation.h"
#include "engine/score/noise.h"

namespace flashphase::refine {
namespace {

constexpr float kSquare = 0.8f;  // a support above this share of the square is none
constexpr float kConvincing = 0.95f;
constexpr std::array<float, 5> kAreas{0.7f, 1, 0.5f, 0.35f, 1.4f};  // of the autocorrelation's, at the end
constexpr float kWider = 1.5f;                                      // at the start
constexpr int kFew = 8, kMany = 24;                                 // starts
constexpr float kRoom = 3;  // averaging widens a support, and the estimate may be small

const Schedule& by_area() {
  static const Schedule schedule = parse_schedule("1000*RAAR+100*ER+SW(every=20,from=20,sigma=3:0.7,grow=0)");
  return schedule;
}

template <class T>
std::vector<T> part_of(const std::vector<T>& all, int frames, int frame) {
  const std::size_t each = all.size() / static_cast<std::size_t>(frames);
  const auto from = all.begin() + static_cast<std::ptrdiff_t>(each) * frame;
  return {from, from + static_cast<std::ptrdiff_t>(each)};
}

template <class T>
void put(const std::vector<T>& one, std::vector<T>& all, int frame) {
  std::ranges::copy(one, all.begin() + static_cast<std::ptrdiff_t>(one.size()) * frame);
}

class RetryingSolver final : public Solver {
 public:
  explicit RetryingSolver(std::unique_ptr<Solver> solver) : solver_(std::move(solver)) {}

  void solve(const PatternBatch& patterns, const Starts& starts, const Schedule& schedule,
             Refined& out) override {
    solver_->solve(patterns, starts, schedule, out);
    if (!schedule.tries_areas) return;
    for (int frame = 0; frame < patterns.count; ++frame)
      if (hides_centre(patterns, frame) || fills_square(out, frame)) look_at(patterns, starts, frame, out);
  }

  int preferred_batch() const override { return solver_->preferred_batch(); }
  std::uint64_t out_of_memory() const override { return solver_->out_of_memory(); }
  bool has(Algorithm algorithm) const override { return solver_->has(algorithm); }

 private:
  /// What is known of a frame before any result.
  struct Frame {
    float area;                  ///< pixels that the autocorrelation gives
    float noise;                 ///< residual that counting leaves
    std::vector<float> photons;  ///< share of each ring
  };

  static bool hides_centre(const PatternBatch& patterns, int frame) {
    const auto middle = static_cast<std::size_t>(patterns.size / 2);
    return patterns.measured_of(frame)[middle * static_cast<std::size_t>(patterns.size) + middle] == 0;
  }
  static bool fills_square(const Refined& refined, int frame) {
    const auto support = refined.objects.support_of(frame);
    return static_cast<float>(std::ranges::count(support, 1)) > kSquare * static_cast<float>(support.size());
  }

  static float worth(const Frame& frame, const Refined& refined, int index) {
    const auto support = static_cast<float>(std::ranges::count(refined.objects.support_of(index), 1));
    return reproduced(frame, refined, index) /
           std::max(1.0f, refined.objects.residual[static_cast<std::size_t>(index)] / frame.noise) /
           std::max(1.0f, support / (kRoom * frame.area));
  }

  /// The PRTF, weighted with the photons of its rings; 1 for single starts.
  static float reproduced(const Frame& frame, const Refined& refined, int index) {
    if (refined.prtf.empty()) return 1;
    const std::size_t rings = frame.photons.size();
    const float* prtf = refined.prtf.data() + static_cast<std::size_t>(index) * rings;
    return std::inner_product(frame.photons.begin(), frame.photons.end(), prtf, 0.0f);
  }

  /// Share of each ring of score::Confidence's in the photons measured, corners with the last.
  static std::vector<float> photons_of_rings(std::span<const float> intensity,
                                             std::span<const std::uint8_t> measured, int m) {
    std::vector<double> sums(static_cast<std::size_t>(m / 2 + 1));
    double all = 0;
    for (int y = 0, i = 0; y < m; ++y) {
      for (int x = 0; x < m; ++x, ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (!measured[at]) continue;
        const auto ring = static_cast<std::size_t>(std::lround(std::hypot(y - m / 2, x - m / 2)));
        const auto photons = static_cast<double>(intensity[at]);
        sums[std::min(ring, sums.size() - 1)] += photons;
        all += photons;
      }
    }
    std::vector<float> shares;
    for (const double sum : sums) shares.push_back(static_cast<float>(sum / all));
    return shares;
  }

  void look_at(const PatternBatch& patterns, const Starts& starts, int index, Refined& out) {
    const auto intensity = patterns.intensity_of(index);
    const auto measured = patterns.measured_of(index);
    score::Autocorrelation autocorrelation(patterns.size);
    const Frame frame{
        extent_of(tapered(intensity, measured, patterns.size), starts.size, autocorrelation).area,
        score::noise_residual(intensity, measured), photons_of_rings(intensity, measured, patterns.size)};
    if (!(frame.noise > 0)) return;
    float best = worth(frame, out, index);
    if (best >= kConvincing) return;
    PatternBatch one(1, patterns.size);
    std::ranges::copy(intensity, one.intensity.begin());
    std::ranges::copy(measured, one.measured.begin());
    const auto first = [&](int most) {
      Starts some = first_starts(starts, patterns.count, index, most);
      some.choosing.confidence = !out.prtf.empty();  // to compare with
      return some;
    };
    const Starts few = first(kFew);
    const float share = frame.area / static_cast<float>(out.objects.object_cells());
    float best_area = 0;
    const auto attempt = [&](const Starts& with, float area) {
      Schedule schedule = by_area();
      schedule.shrink_wrap->area_start = std::min(1.0f, kWider * area);
      schedule.shrink_wrap->area_end = std::min(1.0f, area);
      solver_->solve(one, with, schedule, tried_);
      const float value = worth(frame, tried_, 0);
      if (value <= best) return;
      best = value;
      best_area = area;
      take(index, out);
    };
    for (const float factor : kAreas)
      if (best < kConvincing) attempt(few, factor * share);
    if (best_area > 0 && starts.per_frame > kFew) attempt(first(kMany), best_area);
  }

  static Starts first_starts(const Starts& starts, int frames, int index, int most) {
    Starts few{
        std::min(starts.per_frame, most),       starts.size,     part_of(starts.object, frames, index),
        part_of(starts.support, frames, index), starts.choosing, part_of(starts.upper_limit, frames, index)};
    few.choosing.by = Choice::lowest_residual;  // supports of one area: residuals compare
    few.choosing.average = Averaging::never;
    few.object.resize(static_cast<std::size_t>(few.per_frame) * few.support.size());
    return few;
  }

  void take(int index, Refined& out) const {
    put(tried_.objects.object, out.objects.object, index);
    put(tried_.objects.support, out.objects.support, index);
    put(tried_.objects.residual, out.objects.residual, index);
    put(tried_.iterations, out.iterations, index);
    put(tried_.agreement, out.agreement, index);
    put(tried_.prtf, out.prtf, index);
    put(tried_.free_log_likelihood, out.free_log_likelihood, index);
  }

  std::unique_ptr<Solver> solver_;
  Refined tried_;
};

}  // namespace

std::unique_ptr<Solver> make_retrying_solver(std::unique_ptr<Solver> solver) {
  return std::make_unique<RetryingSolver>(std::move(solver));
}

}  // namespace flashphase::refine
