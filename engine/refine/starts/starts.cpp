#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <stdexcept>

#include "engine/fft/fft2.h"
#include "engine/refine/solver.h"
#include "engine/refine/starts/grow.h"
#include "engine/refine/starts/registration.h"
#include "engine/score/modulus.h"

namespace flashphase::refine {
namespace {

/// Into `re`: |F^-1 I| [m, m] with its origin at [0, 0], unmeasured pixels as zero, in some scale.
void autocorrelation(std::span<const float> intensity, std::span<const std::uint8_t> measured, fft::Fft2& fft,
                     fft::AlignedFloats& re, fft::AlignedFloats& im) {
  float brightest = 0;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    if (measured[i]) brightest = std::max(brightest, intensity[i]);
  }
  const float scale = brightest > 0 ? 1 / std::sqrt(brightest) : 1.0f;
  score::modulus_in_fft_layout(intensity, measured, fft.size(), scale, re.data());
  for (float& value : re.span()) value = value > 0 ? value * value : 0.0f;
  std::ranges::fill(im.span(), 0.0f);
  fft.inverse(re.data(), im.data());
  for (std::size_t i = 0; i < re.size(); ++i) re[i] = std::hypot(re[i], im[i]);
}

/// Appends starts whose pixels inside the support are `make(uniform, pixel of the first start)`.
template <class Make>
void add_starts(Starts& starts, int per_frame, std::uint64_t seed, Make make) {
  if (per_frame < starts.per_frame)
    throw std::invalid_argument("starts: there are more starts a frame than asked for");
  const std::size_t cells = static_cast<std::size_t>(starts.size) * static_cast<std::size_t>(starts.size);
  if (cells == 0) return;
  const std::size_t given = static_cast<std::size_t>(starts.per_frame) * cells;
  const std::size_t wanted = static_cast<std::size_t>(per_frame) * cells;
  const std::size_t frames = starts.support.size() / cells;
  std::vector<std::complex<float>> object(frames * wanted);
  for (std::size_t frame = 0; frame < frames; ++frame) {
    std::mt19937_64 random(seed);  // what a frame gets does not depend on its place in the batch
    const auto uniform = [&] { return static_cast<float>(random() >> 40) * 0x1p-24f; };
    std::copy_n(starts.object.data() + frame * given, given, object.data() + frame * wanted);
    for (std::size_t i = given; i < wanted; ++i) {
      const std::complex<float> value = make(uniform, object[frame * wanted + i % cells]);
      if (starts.support[frame * cells + i % cells]) object[frame * wanted + i] = value;
    }
  }
  starts.object = std::move(object);
  starts.per_frame = per_frame;
}

}  // namespace

std::span<const std::uint8_t> Starts::upper_limit_of(int frame) const {
  if (upper_limit.empty()) return {};
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  return std::span(upper_limit).subspan(static_cast<std::size_t>(frame) * cells, cells);
}

std::vector<std::uint8_t> Starts::support_of(int frame) const {
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  const auto whole = std::span(support).subspan(static_cast<std::size_t>(frame) * cells, cells);
  std::vector<std::uint8_t> cut(whole.begin(), whole.end());
  const auto limit = upper_limit_of(frame);
  for (std::size_t i = 0; i < limit.size(); ++i) cut[i] = cut[i] && limit[i];
  return cut;
}

Starts Starts::of_frame(int frame) const {
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  const auto part = [frame](const auto& all, std::size_t each) {
    const auto values = std::span(all).subspan(static_cast<std::size_t>(frame) * each, each);
    return std::vector(values.begin(), values.end());
  };
  return {per_frame,
          size,
          part(object, static_cast<std::size_t>(per_frame) * cells),
          part(support, cells),
          choosing,
          upper_limit.empty() ? std::vector<std::uint8_t>() : part(upper_limit, cells)};
}

Starts starts_from(const ObjectBatch& objects, float threshold, int grow) {
  Starts starts{1, objects.size, objects.object, std::vector<std::uint8_t>(objects.cells())};
  const std::size_t cells = objects.object_cells();
  for (int frame = 0; frame < objects.count; ++frame) {
    const auto object = objects.object_of(frame);
    const std::span<std::uint8_t> support(starts.support.data() + static_cast<std::size_t>(frame) * cells,
                                          cells);
    float largest = 0;
    for (const auto value : object) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < cells; ++i)
      support[i] = largest <= 0 || std::abs(object[i]) > threshold * largest;
    for (int i = 0; i < grow; ++i) grow_by_one(support, objects.size);
  }
  return starts;
}

Starts random_starts(const PatternBatch& patterns, int n, int per_frame, std::uint64_t seed, float threshold,
                     int grow) {
  const int m = patterns.size;
  if (n < 1 || n > m / 2)
    throw std::invalid_argument("starts: the object must have an edge from 1 to half the pattern's");
  Starts starts{0, n, {}, {}};
  fft::Fft2 fft(m);
  fft::AlignedFloats re(patterns.pattern_cells()), im(patterns.pattern_cells());
  std::vector<std::uint8_t> support(static_cast<std::size_t>(n * n));
  for (int frame = 0; frame < patterns.count; ++frame) {
    autocorrelation(patterns.intensity_of(frame), patterns.measured_of(frame), fft, re, im);
    const float largest = *std::ranges::max_element(re.span());
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        const int v = (2 * (y - n / 2) + m) % m, u = (2 * (x - n / 2) + m) % m;
        support[static_cast<std::size_t>(y * n + x)] =
            largest <= 0 || re[static_cast<std::size_t>(v * m + u)] > threshold * largest;
      }
    }
    for (int i = 0; i < grow; ++i) grow_by_one(support, n);
    starts.support.insert(starts.support.end(), support.begin(), support.end());
  }
  add_random_starts(starts, per_frame, seed);
  return starts;
}

void confine(Starts& starts, std::vector<std::uint8_t> upper_limit) {
  if (upper_limit.size() != starts.support.size())
    throw std::invalid_argument("starts: the upper limit must be [B, n, n] like the supports");
  starts.upper_limit = std::move(upper_limit);
  const std::size_t cells = static_cast<std::size_t>(starts.size) * static_cast<std::size_t>(starts.size);
  for (std::size_t first = 0; first < starts.support.size(); first += cells) {
    const auto frame = static_cast<int>(first / cells);
    std::vector<std::uint8_t> support = starts.support_of(frame);
    const bool empty = std::ranges::all_of(support, [](auto inside) { return inside == 0; });
    std::ranges::copy(empty ? starts.upper_limit_of(frame) : std::span<const std::uint8_t>(support),
                      starts.support.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

void add_registered_starts(Starts& starts, int more, std::span<const std::complex<float>> objects) {
  const std::size_t cells = static_cast<std::size_t>(starts.size) * static_cast<std::size_t>(starts.size);
  const std::size_t frames = cells > 0 ? starts.support.size() / cells : 0;
  const std::size_t given = static_cast<std::size_t>(starts.per_frame) * cells;
  const std::size_t added = static_cast<std::size_t>(more) * cells;
  if (more < 0 || given == 0 || objects.size() != frames * added)
    throw std::invalid_argument("starts: the further answers must be [B, more, n, n] like the starts");
  std::vector<std::complex<float>> all(frames * (given + added));
  std::vector<std::uint8_t> ignored(cells);  // the support of the first start is the frame's
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const std::span whole = std::span(all).subspan(frame * (given + added), given + added);
    std::copy_n(starts.object.data() + frame * given, given, whole.begin());
    std::copy_n(objects.data() + frame * added, added, whole.begin() + static_cast<std::ptrdiff_t>(given));
    for (std::size_t at = given; at < whole.size(); at += cells)
      register_to(whole.first(cells), whole.subspan(at, cells), ignored, starts.size);
  }
  starts.object = std::move(all);
  starts.per_frame += more;
}

void add_random_starts(Starts& starts, int per_frame, std::uint64_t seed) {
  add_starts(starts, per_frame, seed, [](const auto& uniform, std::complex<float>) {
    const float amplitude = uniform(), phase = 2 * std::numbers::pi_v<float> * uniform();
    return std::polar(amplitude, phase);
  });
}

void add_perturbed_starts(Starts& starts, int per_frame, float spread, std::uint64_t seed) {
  add_starts(starts, per_frame, seed, [spread](const auto& uniform, std::complex<float> first) {
    return first * std::polar(1.0f, spread * (2 * uniform() - 1));
  });
}

}  // namespace flashphase::refine
