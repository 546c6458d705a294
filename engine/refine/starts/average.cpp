#include "engine/refine/starts/average.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "engine/refine/loop/algorithms.h"
#include "engine/refine/starts/grow.h"
#include "engine/score/align.h"
#include "engine/score/correlator.h"
#include "engine/score/energy.h"

namespace flashphase::refine {
namespace {

using Complex = std::complex<float>;

constexpr int kGrow = 3;  // pixels around the union: the mean's edge is softer than any one's

/// Adds the pixels of `from` [n, n] to `to`, moved; those that leave the square are lost.
void add_moved(std::span<const std::uint8_t> from, bool twin, int dy, int dx, int n,
               std::span<std::uint8_t> to) {
  const auto place = [&](int i, int shift) { return (twin ? 2 * (n / 2) - i : i) + shift; };
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const int v = place(y, dy), u = place(x, dx);
      if (!from[static_cast<std::size_t>(y * n + x)] || v < 0 || v >= n || u < 0 || u >= n) continue;
      to[static_cast<std::size_t>(v * n + u)] = 1;
    }
  }
}

/// The residual that fits as well per degree of freedom as the best result does.
double goal_of(const Results& results, int measured, const Average& average) {
  const auto lowest = std::ranges::min_element(results.objects.residual) - results.objects.residual.begin();
  const auto freedom = [&](std::span<const std::uint8_t> support) {
    return static_cast<double>(measured) - 2 * static_cast<double>(std::ranges::count(support, 1));
  };
  const double before = freedom(results.objects.support_of(static_cast<int>(lowest)));
  const double now = freedom(average.support);
  const double ratio = now > 0 && before > now ? now / before : 1;
  return ratio * static_cast<double>(results.objects.residual[static_cast<std::size_t>(lowest)]);
}

int nearest(double shift) {
  return static_cast<int>(std::lround(shift));
}

/// The mean of the results on top of `reference`.
Average on_top_of(const std::vector<Complex>& reference, const Results& results, std::span<const int> which,
                  const ForEach& each) {
  const int n = results.objects.size;
  std::vector<score::Alignment> alignments(which.size());
  each(static_cast<int>(which.size()), [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    alignments[at] =
        score::align(results.objects.object_of(which[at]), reference, n, score::Translation::sub_pixel);
  });
  Average mean{std::vector<Complex>(reference.size()), std::vector<std::uint8_t>(reference.size())};
  for (std::size_t at = 0; at < which.size(); ++at) {
    const score::Alignment& alignment = alignments[at];
    const double size = std::sqrt(score::energy(alignment.aligned));
    if (!(size > 0)) continue;
    const auto scale = static_cast<float>(1 / size);
    for (std::size_t i = 0; i < reference.size(); ++i) mean.object[i] += scale * alignment.aligned[i];
    add_moved(results.objects.support_of(which[at]), alignment.twin, nearest(alignment.shift_y),
              nearest(alignment.shift_x), n, mean.support);
  }
  return mean;
}

/// The amplitude's centroid goes to [n/2, n/2].
void centre(Average& average, int n) {
  double sum = 0, sum_y = 0, sum_x = 0;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto amplitude =
          static_cast<double>(std::abs(average.object[static_cast<std::size_t>(y * n + x)]));
      sum += amplitude;
      sum_y += amplitude * y;
      sum_x += amplitude * x;
    }
  }
  const score::Shift shift{n / 2 - sum_y / sum, n / 2 - sum_x / sum};
  average.object = score::Correlator(average.object, average.object, n).moved_in_fourier_space(false, shift);
  const std::vector<std::uint8_t> before =
      std::exchange(average.support, std::vector<std::uint8_t>(average.support.size()));
  add_moved(before, false, nearest(shift.y), nearest(shift.x), n, average.support);
}

}  // namespace

Average average(const Results& results, std::span<const int> which, std::span<const std::uint8_t> upper_limit,
                const ForEach& each) {
  const int n = results.objects.size;
  std::vector<int> present;
  std::ranges::copy_if(which, std::back_inserter(present),
                       [&](int k) { return score::energy(results.objects.object_of(k)) > 0; });
  if (present.empty()) return {};
  const auto best = results.objects.object_of(present.front());
  Average mean = on_top_of({best.begin(), best.end()}, results, present, each);
  mean = on_top_of(mean.object, results, present, each);
  if (upper_limit.empty()) centre(mean, n);
  for (int i = 0; i < kGrow; ++i) grow_by_one(mean.support, n);
  for (std::size_t i = 0; i < upper_limit.size(); ++i) mean.support[i] &= upper_limit[i] != 0;
  return mean;
}

void settle(Iterate& iterate, const Results& results, int measured, int iterations, Average& average) {
  const double goal = goal_of(results, measured, average);
  const int stride = iterate.stride();
  const auto n = static_cast<int>(std::lround(std::sqrt(average.object.size())));
  const Update reduction = update_of({Algorithm::er, 1});
  iterate.set_start(average.object, average.support, n);
  Fit fit = iterate.project();
  for (int i = 0; i < iterations && fit.chi2 > goal; ++i) {
    iterate.update(reduction);
    fit = iterate.project();
  }
  if (!std::isfinite(fit.chi2) || !std::isfinite(fit.scale)) {
    average = {};
    return;
  }
  const auto scale = static_cast<float>(fit.scale * iterate.unit());
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto from = static_cast<std::size_t>(y * stride + x);
      average.object[static_cast<std::size_t>(y * n + x)] = {scale * iterate.re()[from],
                                                             scale * iterate.im()[from]};
    }
  }
}

}  // namespace flashphase::refine
