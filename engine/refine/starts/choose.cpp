#include "engine/refine/starts/choose.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/score/align.h"
#include "engine/score/confidence.h"
#include "engine/score/noise.h"

namespace flashphase::refine {
namespace {

using Complex = std::complex<float>;

std::vector<int> by_residual(const Results& results) {
  std::vector<int> order(static_cast<std::size_t>(results.objects.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return results.objects.residual[static_cast<std::size_t>(a)] <
           results.objects.residual[static_cast<std::size_t>(b)];
  });
  return order;
}

/// [K, K] complex correlation of each with each once aligned.
std::vector<float> correlations(const ObjectBatch& objects, const ForEach& each) {
  const auto count = static_cast<std::size_t>(objects.count);
  std::vector<float> result(count * count, 1);
  each(objects.count, [&](int later) {
    const int a = objects.count - 1 - later;  // the longest row first
    for (int b = 0; b < a; ++b) {
      const float error =
          score::align(objects.object_of(a), objects.object_of(b), objects.size).real_space_error;
      result[static_cast<std::size_t>(a) * count + static_cast<std::size_t>(b)] =
          result[static_cast<std::size_t>(b) * count + static_cast<std::size_t>(a)] =
              std::sqrt(std::max(0.0f, 1 - error));
    }
  });
  return result;
}

/// Lowest residual * (1 - mean correlation with the others): each alone misleads.
int by_agreement(const Results& results, const ForEach& each) {
  const int count = results.objects.count;
  if (count < 3) return lowest_residual(results);
  const std::vector<float> with = correlations(results.objects, each);
  int best = 0;
  float lowest = 0;
  for (int k = 0; k < count; ++k) {
    const auto row = with.begin() + static_cast<std::ptrdiff_t>(k) * count;
    const float mean = (std::accumulate(row, row + count, 0.0f) - 1) / static_cast<float>(count - 1);
    const float merit = results.objects.residual[static_cast<std::size_t>(k)] * (1 - mean);
    if (k == 0 || merit < lowest) {
      best = k;
      lowest = merit;
    }
  }
  return best;
}

}  // namespace

int lowest_residual(const Results& results) {
  return by_residual(results).front();
}

Chosen choose(const Results& results, const Choosing& choosing, int m, bool noisy,
              std::span<const std::uint8_t> upper_limit, const ForEach& each) {
  Chosen chosen;
  switch (choosing.by) {
    case Choice::lowest_residual:
      chosen.index = lowest_residual(results);
      break;
    case Choice::agreement:
      chosen.index = by_agreement(results, each);
      break;
    case Choice::free_log_likelihood:
      chosen.index = static_cast<int>(
          std::max_element(results.free_log_likelihood.begin(), results.free_log_likelihood.end()) -
          results.free_log_likelihood.begin());
      break;
  }
  if (results.objects.count < 2) return chosen;
  const int n = results.objects.size;
  std::vector<int> better = by_residual(results);
  better.resize(std::max<std::size_t>(2, (better.size() + 1) / 2));
  std::vector<Complex> set;
  const auto take = [&](int k) {
    const auto object = results.objects.object_of(k);
    set.insert(set.end(), object.begin(), object.end());
  };
  take(chosen.index);
  for (const int k : better) {
    if (k != chosen.index) take(k);
  }
  score::Confidence confidence = score::confidence(set, n, m, score::Translation::whole_pixel, each);
  chosen.agreement = confidence.agreement;
  chosen.prtf = std::move(confidence.prtf);
  if (choosing.average == Averaging::always ||
      (choosing.average == Averaging::automatic && (noisy || chosen.agreement >= kAgreed)))
    chosen.average = average(results, better, upper_limit, each);
  return chosen;
}

bool ends_in_noise(std::span<const float> intensity, std::span<const std::uint8_t> measured, float residual) {
  constexpr float kSimulated = 1e-3f;
  return score::is_counted(intensity, measured) ? score::is_noisy(score::noise_residual(intensity, measured))
                                                : residual > kSimulated;
}

std::vector<Complex> bred(const Results& results, int chosen, const ForEach& each) {
  const ObjectBatch& objects = results.objects;
  const auto best = objects.object_of(chosen);
  std::vector<Complex> next = objects.object;
  each(objects.count, [&](int k) {
    if (k == chosen) return;
    const auto other = score::align(objects.object_of(k), best, objects.size).aligned;
    const auto mine = std::span(next).subspan(static_cast<std::size_t>(k) * best.size(), best.size());
    for (std::size_t i = 0; i < best.size(); ++i) mine[i] = 0.5f * (best[i] + other[i]);
  });
  return next;
}

}  // namespace flashphase::refine
