#include "tools/programs/bench/refine_problem.h"

#include <algorithm>
#include <cmath>

#include "engine/fft/fft2.h"
#include "engine/simulate/random.h"

namespace flashphase::tools {

RefineProblem make_refine_problem(int frames, int m, std::uint64_t seed) {
  const int n = m / 2;
  const std::size_t object_cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  RefineProblem problem{PatternBatch(frames, m), {}};
  problem.starts.size = n;
  fft::Fft2 fft(m);
  fft::AlignedFloats re(problem.patterns.pattern_cells()), im(problem.patterns.pattern_cells());
  simulate::Random random(seed, 0);
  for (int f = 0; f < frames; ++f) {
    std::fill(re.span().begin(), re.span().end(), 0.0f);
    std::fill(im.span().begin(), im.span().end(), 0.0f);
    for (std::size_t i = 0; i < object_cells; ++i) {
      const int y = static_cast<int>(i) / n, x = static_cast<int>(i) % n;
      const bool inside = std::hypot(y - n / 2, x - n / 2) < 0.4 * n;
      problem.starts.support.push_back(inside);
      problem.starts.object.emplace_back(inside ? random.normal() : 0.0f, inside ? random.normal() : 0.0f);
      const std::size_t at =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(m) + static_cast<std::size_t>(x);
      re[at] = inside ? random.normal() : 0.0f;
      im[at] = inside ? random.normal() : 0.0f;
    }
    fft.forward(re.data(), im.data());
    float* intensity =
        problem.patterns.intensity.data() + static_cast<std::size_t>(f) * problem.patterns.pattern_cells();
    for (int kx = 0; kx < m; ++kx)
      for (int ky = 0; ky < m; ++ky) {
        const std::size_t from =
            static_cast<std::size_t>(kx) * static_cast<std::size_t>(m) + static_cast<std::size_t>(ky);
        const std::size_t row = static_cast<std::size_t>((ky + m / 2) % m),
                          column = static_cast<std::size_t>((kx + m / 2) % m);
        intensity[row * static_cast<std::size_t>(m) + column] = re[from] * re[from] + im[from] * im[from];
      }
  }
  return problem;
}

}  // namespace flashphase::tools
