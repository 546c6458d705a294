#pragma once

#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "engine/frame/reconstruction.h"
#include "engine/refine/solver.h"
#include "engine/score/metrics.h"

namespace flashphase::refine {

/// A known object, its support and a start that lies near it: an ellipse with a smooth phase of several
/// radians.
struct Particle {
  explicit Particle(int object_size, unsigned seed = 1)
      : n(object_size),
        object(static_cast<std::size_t>(n * n)),
        support(object.size()),
        start(object.size()) {
    std::mt19937 random(seed);
    const auto uniform = [&] { return 2 * static_cast<float>(random() % 10000) / 10000 - 1; };
    const float tilt = uniform(), curve = 2 * uniform(), cross = 2 * uniform();
    for (int y = 0; y < n; ++y) {
      for (int x = 0; x < n; ++x) {
        const auto i = static_cast<std::size_t>(y * n + x);
        const float v = (static_cast<float>(y) - static_cast<float>(n / 2)) / (0.42f * static_cast<float>(n));
        const float u = (static_cast<float>(x) - static_cast<float>(n / 2)) / (0.30f * static_cast<float>(n));
        if (u * u + v * v + 0.4f * u * v > 1) continue;
        support[i] = 1;
        object[i] = std::polar(1 + 0.3f * v, 2 * tilt * u + curve * v * v + cross * u * v);
        start[i] = object[i] * std::polar(1 + 0.2f * uniform(), 0.5f * uniform());
      }
    }
  }

  /// Noise-free pattern, everything measured.
  PatternBatch pattern(int m) const {
    PatternBatch batch(1, m);
    batch.intensity = score::diffraction(object, n, m);
    return batch;
  }

  Starts starts() const { return {1, n, start, support}; }

  int n;
  std::vector<std::complex<float>> object;
  std::vector<std::uint8_t> support;
  std::vector<std::complex<float>> start;
};

}  // namespace flashphase::refine
