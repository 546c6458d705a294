#include "engine/refine/iterate.h"

#include <gmock/gmock.h>

#include <ostream>

#include "tests/engine/refine/particle.h"
#include "tests/engine/score/plain_reference.h"

namespace flashphase::refine {
namespace {

using plain::Complex;
using plain::Image;

constexpr double kTolerance = 1e-4;  // of the largest amplitude

/// ER and HIO as the formulas stand, in double precision, with the object in the middle of the frame.
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

  void er() { update(0, 0); }
  void hio(double beta) { update(1, beta); }

  /// Object pixel [y, x], which may lie outside [n, n].
  Complex at(int n, int y, int x) const {
    const auto wrapped = [this](int i) { return ((i % m_) + m_) % m_; };
    return g_[static_cast<std::size_t>(wrapped(y + m_ / 2 - n / 2) * m_ + wrapped(x + m_ / 2 - n / 2))];
  }

 private:
  void update(double keep, double beta) {
    Image f = plain::centred_transform(g_, m_);
    for (std::size_t i = 0; i < f.size(); ++i) {
      if (pattern_.measured[i])
        f[i] *= std::sqrt(static_cast<double>(pattern_.intensity[i])) / std::abs(f[i]);
    }
    const Image p = plain::centred_inverse(f, m_);
    for (std::size_t i = 0; i < g_.size(); ++i) {
      g_[i] = std::abs(support_[i]) > 0 ? p[i] : keep * g_[i] - beta * p[i];
    }
  }

  int m_;
  const PatternBatch& pattern_;
  Image g_, support_;
};

void expect_equal(const Iterate& fast, const PlainIterate& slow, int n) {
  const int m = fast.size();
  double largest = 0, difference = 0;
  for (int y = 0; y < m; ++y) {
    for (int x = 0; x < m; ++x) {
      const int i = y * m + x;
      const Complex expected = slow.at(n, y, x);
      largest = std::max(largest, std::abs(expected));
      difference =
          std::max(difference, std::abs(fast.unit() * Complex(fast.re()[i], fast.im()[i]) - expected));
    }
  }
  ASSERT_LT(difference, kTolerance * largest);
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

  void begin() {
    fast_.set_pattern(pattern_.intensity, pattern_.measured);
    fast_.set_start(particle_.start, particle_.support, particle_.n);
  }

  Particle particle_;
  PatternBatch pattern_;
  Iterate fast_;
};

TEST_P(IterateOfSize, EqualsAPlainReferenceInEveryIterationOfErrorReduction) {
  begin();
  PlainIterate slow(particle_, pattern_);
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
    const double expected = slow.chi2();
    ASSERT_NEAR(fast_.project().chi2, expected, 1e-4 * expected + 1e-9) << i;
    fast_.er();
    slow.er();
  }
}

TEST_P(IterateOfSize, EqualsAPlainReferenceInEveryIterationOfHybridInputOutput) {
  begin();
  PlainIterate slow(particle_, pattern_);
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_equal(fast_, slow, particle_.n)) << i;
    fast_.project();
    fast_.hio(0.9f);
    slow.hio(static_cast<double>(0.9f));
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, IterateOfSize, testing::Values(Sizes{8, 16}, Sizes{7, 16}, Sizes{6, 13}),
                         testing::PrintToStringParamName());

TEST(Iterate, DoesNotDependOnTheUnitsOfThePatternOrTheStart) {
  const Particle particle(16);
  PatternBatch pattern = particle.pattern(32);
  Iterate plain_units(32), other_units(32);
  plain_units.set_pattern(pattern.intensity, pattern.measured);
  plain_units.set_start(particle.start, particle.support, 16);
  for (float& value : pattern.intensity) value *= 0x1p-80f;
  auto start = particle.start;
  for (auto& value : start) value *= 0x1p60f;
  other_units.set_pattern(pattern.intensity, pattern.measured);
  other_units.set_start(start, particle.support, 16);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(plain_units.project().chi2, other_units.project().chi2);
    plain_units.hio(0.9f);
    other_units.hio(0.9f);
  }
  EXPECT_EQ(plain_units.unit() * 0x1p-40, other_units.unit());
}

TEST(Iterate, ConstrainsTheIterateToItsSupport) {
  const Particle particle(8);
  const PatternBatch pattern = particle.pattern(16);
  Iterate iterate(16);
  iterate.set_pattern(pattern.intensity, pattern.measured);
  iterate.set_start(particle.start, particle.support, 8);
  iterate.project();
  iterate.hio(0.9f);
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

}  // namespace
}  // namespace flashphase::refine
