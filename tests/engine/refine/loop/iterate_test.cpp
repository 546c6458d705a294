#include "engine/refine/loop/iterate.h"

#include <gmock/gmock.h>

#include <limits>
#include <ostream>

#include "engine/refine/loop/algorithms.h"
#include "tests/engine/refine/particle.h"
#include "tests/engine/score/plain_reference.h"

namespace flashphase::refine {
namespace {

using plain::Complex;
using plain::Image;

constexpr double kTolerance = 1e-4;  // of the largest amplitude

/// The algorithms as their sources write them, with projections P_S, P_M and reflections R = 2 P - 1, in
/// double precision, with the object in the middle of the frame.
class PlainIterate {
 public:
  PlainIterate(const Particle& particle, const PatternBatch& pattern)
      : m_(pattern.size),
        pattern_(pattern),
        g_(plain::embedded(particle.start, particle.n, m_)),
        support_(plain::embedded(particle.object, particle.n, m_)) {
    const Image f = plain::centred_transform(g_, m_);
    double aa = 0, ab = 0;
    for (std::size_t i = 0; i < f.size(); ++i) {
      if (!pattern.measured[i]) continue;
      aa += std::norm(f[i]);
      ab += std::abs(f[i]) * std::sqrt(static_cast<double>(pattern.intensity[i]));
    }
    for (Complex& value : g_) value *= ab / aa;
  }

  double chi2() const {
    return plain::modulus_chi2(plain::centred_transform(g_, m_), pattern_.intensity, pattern_.measured);
  }

  void advance(const Step& step) {
    const double b = static_cast<double>(step.beta);
    const auto onto_support = [&](const Image& x) { return supported(x, step); };
    const Image pm = measured(g_);
    switch (step.algorithm) {
      case Algorithm::er:
        g_ = onto_support(pm);
        break;
      case Algorithm::aer: {
        if (x_.empty() || chi2() > last_chi2_) t_ = 1;
        last_chi2_ = x_.empty() ? std::numeric_limits<double>::infinity() : chi2();
        const Image x = onto_support(pm);
        const double next = (1 + std::sqrt(1 + 4 * t_ * t_)) / 2, factor = (t_ - 1) / next;
        restarts_ += t_ == 1;
        g_ = x_.empty() ? x : mixed(1 + factor, x, -factor, x_);
        x_ = x;
        t_ = next;
        break;
      }
      case Algorithm::sf:
        g_ = mixed(2, onto_support(pm), -1, pm);
        break;
      case Algorithm::raar: {
        const Image rm = mixed(2, pm, -1, g_), rsrm = mixed(2, onto_support(rm), -1, rm);
        g_ = mixed(1, mixed(b / 2, rsrm, b / 2, g_), 1 - b, pm);
        break;
      }
      case Algorithm::hpr: {
        const Image x = mixed(1 + b, pm, -1, g_), rs = mixed(2, onto_support(x), -1, x);
        g_ = mixed(0.5, mixed(1, rs, 1, g_), 0.5 * (1 - b), pm);
        break;
      }
      case Algorithm::rrr:
        g_ = mixed(1, g_, b, mixed(1, onto_support(mixed(2, pm, -1, g_)), -1, pm));
        break;
      case Algorithm::dm: {
        const Image ps = onto_support(g_);
        const Image fs = mixed(1 + 1 / b, pm, -1 / b, g_), fm = mixed(1 - 1 / b, ps, 1 / b, g_);
        g_ = mixed(1, g_, b, mixed(1, onto_support(fs), -1, measured(fm)));
        break;
      }
      case Algorithm::hio:
      case Algorithm::chio:
      case Algorithm::oss:
        for (std::size_t i = 0; i < g_.size(); ++i) g_[i] = input_output(step, i, pm[i]);
        break;
      case Algorithm::ml:  // no projections: maximum_likelihood_test.cpp
        FAIL();
    }
  }

  int restarts() const { return restarts_; }

  /// Object pixel [y, x], which may lie outside [n, n].
  Complex at(int n, int y, int x) const {
    const auto wrapped = [this](int i) { return ((i % m_) + m_) % m_; };
    return g_[static_cast<std::size_t>(wrapped(y + m_ / 2 - n / 2) * m_ + wrapped(x + m_ / 2 - n / 2))];
  }

 private:
  static Image mixed(double p, const Image& x, double q, const Image& y) {
    Image result(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) result[i] = p * x[i] + q * y[i];
    return result;
  }

  Image measured(const Image& x) const {
    Image f = plain::centred_transform(x, m_);
    for (std::size_t i = 0; i < f.size(); ++i) {
      if (pattern_.measured[i])
        f[i] *= std::sqrt(static_cast<double>(pattern_.intensity[i])) / std::abs(f[i]);
    }
    return plain::centred_inverse(f, m_);
  }

  bool inside(std::size_t i) const { return std::abs(support_[i]) > 0; }

  Image supported(const Image& x, const Step& step) const {
    Image result(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!inside(i) || (step.positive && x[i].real() < 0)) continue;
      result[i] = step.real ? x[i].real() : x[i];
    }
    return result;
  }

  Complex input_output(const Step& step, std::size_t i, Complex p) const {
    const auto beta = static_cast<double>(step.beta), alpha = static_cast<double>(step.alpha);
    const Complex g = g_[i], fed_back = g - beta * p;
    if (step.algorithm == Algorithm::chio) {
      if (inside(i) && p.real() >= alpha * g.real()) return {p.real(), fed_back.imag()};
      if (inside(i) && p.real() >= 0) return {g.real() - (1 - alpha) / alpha * p.real(), fed_back.imag()};
      return fed_back;
    }
    if (!inside(i) || (step.positive && p.real() < 0)) return fed_back;
    return step.real ? Complex(p.real(), fed_back.imag()) : p;
  }

  int m_;
  const PatternBatch& pattern_;
  Image g_, support_;
  Image x_;  // of the accelerated algorithm, with its t, and the chi^2 that it must not rise above
  double t_ = 1, last_chi2_ = 0;
  int restarts_ = 0;
};

void expect_equal(const Iterate& fast, const PlainIterate& slow, int n) {
  const int m = fast.size();
  double largest = 0, difference = 0;
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const int i = y * fast.stride() + x;
      const Complex expected = slow.at(n, y, x);
      largest = std::max(largest, std::abs(expected));
      difference =
          std::max(difference, std::abs(fast.unit() * Complex(fast.re()[i], fast.im()[i]) - expected));
    }
  }
  ASSERT_LT(difference, kTolerance * largest);
}

void begin(Iterate& iterate, const Particle& particle, const PatternBatch& pattern) {
  iterate.set_pattern(pattern.intensity, pattern.measured);
  iterate.set_start(particle.start, particle.support, particle.n);
}

struct Sizes {
  int n;
  int m;
};

void PrintTo(const Sizes& sizes, std::ostream* stream) {
  *stream << sizes.n << "in" << sizes.m;
}

class IterateOfSize : public testing::TestWithParam<Sizes> {
 protected:
  IterateOfSize() : particle_(GetParam().n), pattern_(particle_.pattern(GetParam().m)), fast_(GetParam().m) {
    for (std::size_t i = 0; i < pattern_.measured.size(); i += 11) pattern_.measured[i] = 0;
  }

  Particle particle_;
  PatternBatch pattern_;
  Iterate fast_;
};

TEST_P(IterateOfSize, EqualsAPlainReferenceInEveryIterationOfErrorReduction) {
  begin(fast_, particle_, pattern_);
  PlainIterate slow(particle_, pattern_);
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
    const double expected = slow.chi2();
    ASSERT_NEAR(fast_.project().chi2, expected, 1e-4 * expected + 1e-9) << i;
    fast_.update(update_of({Algorithm::er}));
    slow.advance({Algorithm::er});
  }
}

TEST_P(IterateOfSize, EqualsAPlainReferenceInEveryIterationOfHybridInputOutput) {
  begin(fast_, particle_, pattern_);
  PlainIterate slow(particle_, pattern_);
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
    fast_.project();
    fast_.update(update_of({Algorithm::hio}));
    slow.advance({Algorithm::hio});
  }
}

TEST_P(IterateOfSize, EqualsAPlainReferenceInEveryIterationOfAcceleratedErrorReduction) {
  for (const bool real : {false, true}) {
    begin(fast_, particle_, pattern_);
    PlainIterate slow(particle_, pattern_);
    for (int i = 0; i < 25; ++i) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
      const double chi2 = fast_.project().chi2;
      fast_.accelerate(real, i > 0 ? std::optional(chi2) : std::nullopt);
      slow.advance({.algorithm = Algorithm::aer, .real = real});
    }
  }
}

TEST(Iterate, BeginsItsAccelerationAgainWhenTheFitGetsWorse) {
  const Particle particle(8);
  const PatternBatch pattern = particle.pattern(16);
  Iterate fast(16);
  begin(fast, particle, pattern);
  PlainIterate slow(particle, pattern);
  int worse = 0;
  for (int i = 0; i < 60; ++i) {
    const double chi2 = fast.project().chi2;
    fast.accelerate(false, i > 0 ? std::optional(chi2) : std::nullopt);
    slow.advance({Algorithm::aer});
    worse = slow.restarts();
  }
  EXPECT_GT(worse, 1);  // the first iteration counts as one
  EXPECT_NO_FATAL_FAILURE(expect_equal(fast, slow, 8));
}

TEST_P(IterateOfSize, EqualsAPlainReferenceForEveryAlgorithmAndOption) {
  // Where a pixel sits on the edge of a condition rounding decides, so the conditions get fewer iterations.
  for (const Algorithm algorithm : {Algorithm::er, Algorithm::hio, Algorithm::raar, Algorithm::dm,
                                    Algorithm::rrr, Algorithm::hpr, Algorithm::chio, Algorithm::sf}) {
    for (const auto& [positive, real] :
         {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}, std::pair{true, true}}) {
      SCOPED_TRACE(testing::Message()
                   << "algorithm " << static_cast<int>(algorithm) << ' ' << positive << real);
      const Step step{algorithm, 1, 0.8f, 0.4f, positive, real};
      begin(fast_, particle_, pattern_);
      PlainIterate slow(particle_, pattern_);
      for (int i = 0; i < (positive || real || algorithm == Algorithm::chio ? 5 : 20); ++i) {
        ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
        fast_.project();
        if (algorithm == Algorithm::dm) {
          fast_.difference_map(step.beta, positive, real);
        } else {
          fast_.update(update_of(step));
        }
        slow.advance(step);
      }
      ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, IterateOfSize,
                         testing::Values(Sizes{8, 16}, Sizes{7, 16}, Sizes{6, 13}, Sizes{9, 18}),
                         testing::PrintToStringParamName());

TEST(Iterate, SmoothsOnlyTheOutside) {
  const Particle particle(16);
  const PatternBatch pattern = particle.pattern(32);
  Iterate iterate(32);
  begin(iterate, particle, pattern);
  iterate.project();
  iterate.update(update_of({Algorithm::hio}));
  const std::vector<float> before(iterate.re(), iterate.re() + 32 * 32);
  const auto roughness = [&](const float* plane) {  // differences of neighbours well outside the support
    double sum = 0;
    for (int y = 20; y < 30; ++y) {
      for (int x = 20; x < 30; ++x) {
        const auto difference = static_cast<double>(plane[y * 32 + x] - plane[y * 32 + x + 1]);
        sum += difference * difference;
      }
    }
    return sum;
  };
  iterate.smooth_outside(3);
  EXPECT_LT(roughness(iterate.re()), 0.1 * roughness(before.data()));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (iterate.support()[i] > 0) {
      EXPECT_EQ(iterate.re()[i], before[i]);
    }
  }
}

TEST(Iterate, KeepsTheModulusInsideItsBounds) {
  const Particle particle(8);
  PatternBatch pattern = particle.pattern(16);
  for (std::size_t i = 0; i < pattern.measured.size(); i += 7) pattern.measured[i] = 0;
  Iterate exact(16), loose(16);
  exact.set_pattern(pattern.intensity, pattern.measured);
  loose.set_pattern(pattern.intensity, pattern.measured, {.confidence = 1e6f});
  for (Iterate* iterate : {&exact, &loose}) {
    iterate->set_start(particle.start, particle.support, 8);
    iterate->project();
  }
  // Without limits the projection changes nothing: ER keeps the start.
  const std::vector<float> before(loose.re(), loose.re() + 256);
  for (Iterate* iterate : {&exact, &loose}) iterate->update(update_of({Algorithm::er}));
  float moved_exact = 0, moved_loose = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    moved_exact = std::max(moved_exact, std::abs(exact.re()[i] - before[i]));
    moved_loose = std::max(moved_loose, std::abs(loose.re()[i] - before[i]));
  }
  EXPECT_LT(moved_loose, 1e-5f);
  EXPECT_GT(moved_exact, 1e-2f);
}

TEST(Iterate, DoesNotDependOnTheUnitsOfThePatternOrTheStart) {
  const Particle particle(16);
  PatternBatch pattern = particle.pattern(32);
  Iterate plain_units(32), other_units(32);
  begin(plain_units, particle, pattern);
  for (float& value : pattern.intensity) value *= 0x1p-80f;
  auto start = particle.start;
  for (auto& value : start) value *= 0x1p60f;
  other_units.set_pattern(pattern.intensity, pattern.measured);
  other_units.set_start(start, particle.support, 16);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(plain_units.project().chi2, other_units.project().chi2);
    plain_units.update(update_of({Algorithm::hio}));
    other_units.update(update_of({Algorithm::hio}));
  }
  EXPECT_EQ(plain_units.unit() * 0x1p-40, other_units.unit());
}

TEST(Iterate, ConstrainsTheIterateToItsSupport) {
  const Particle particle(8);
  const PatternBatch pattern = particle.pattern(16);
  Iterate iterate(16);
  begin(iterate, particle, pattern);
  iterate.project();
  iterate.update(update_of({Algorithm::hio}));
  const auto energy_outside = [&] {
    double sum = 0;
    for (int i = 0; i < 256; ++i) {
      if (iterate.support()[i] == 0) sum += std::norm(Complex(iterate.re()[i], iterate.im()[i]));
    }
    return sum;
  };
  EXPECT_GT(energy_outside(), 0);
  iterate.constrain();
  EXPECT_EQ(energy_outside(), 0);
}

TEST(Iterate, ForgetsAStartThatWasNotFinite) {
  const Particle particle(16);
  const PatternBatch pattern = particle.pattern(32);
  const auto accelerated = [&](Iterate& iterate) {
    iterate.set_pattern(pattern.intensity, pattern.measured);
    iterate.set_start(particle.start, particle.support, particle.n);
    for (int i = 0; i < 3; ++i) {
      const double chi2 = iterate.project().chi2;
      iterate.accelerate(false, i > 0 ? std::optional(chi2) : std::nullopt);
    }
    return std::vector<float>(iterate.re(), iterate.re() + 32 * iterate.stride());
  };
  Iterate fresh(32), used(32);
  used.set_pattern(pattern.intensity, pattern.measured);
  std::vector<std::complex<float>> bad = particle.start;
  bad[16 * 8 + 8] = std::numeric_limits<float>::quiet_NaN();
  used.set_start(bad, particle.support, particle.n);
  used.project();
  used.accelerate(false, std::nullopt);
  ASSERT_TRUE(std::isnan(used.re()[32 * 8 + 8]));
  EXPECT_EQ(accelerated(used), accelerated(fresh));
}

}  // namespace
}  // namespace flashphase::refine
