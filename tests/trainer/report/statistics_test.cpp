#include "trainer/report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace flashphase::trainer::report {
namespace {

// scipy.stats.gamma.fit([0.5, 1, 1.5, 2, 4, 0.2, 3, 1.1], floc=0)
TEST(GammaFit, AgreesWithAnotherImplementation) {
  const GammaFit fit = gamma_fit({0.5, 1, 1.5, 2, 4, 0.2, 3, 1.1});
  EXPECT_NEAR(fit.shape, 1.6335716773, 1e-6);
  EXPECT_NEAR(fit.scale, 1.0177086338, 1e-6);
  EXPECT_NEAR(fit.density(1.3), 0.3563124777, 1e-6);
}

TEST(GammaFit, FindsAShapeBelowOneAndSkipsWhatIsNotPositive) {
  const GammaFit with = gamma_fit({1e-6, 3e-5, 2e-4, 0.003, 0.1, 0, -1}),
                 without = gamma_fit({1e-6, 3e-5, 2e-4, 0.003, 0.1});
  EXPECT_NEAR(without.shape, 0.1750349256, 1e-6);
  EXPECT_EQ(with.shape, without.shape);
  EXPECT_EQ(gamma_fit({2, 2, 2}).shape, 0);
}

TEST(Histogram, IsADensityOfAllValues) {
  const Histogram bars = histogram({0.1, 0.2, 0.6, 5}, 1, 2);
  EXPECT_EQ(bars.edges, (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(bars.density, (std::vector<double>{1, 0.5}));
  EXPECT_EQ(bars.beyond, 1u);
}

TEST(Quantile, IsLinearBetweenNeighbours) {
  EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_EQ(quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(AtQuantiles, ChoosesFromTheLowestToTheHighestAtEvenRanks) {
  std::vector<double> values;
  for (int i = 0; i < 11; ++i) values.push_back((i * 7) % 11);
  std::vector<double> chosen;
  for (const std::size_t i : at_quantiles(values, 6)) chosen.push_back(values[i]);
  EXPECT_EQ(chosen, (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(at_quantiles({3, 1}, 6), (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(at_quantiles({}, 6).empty());
}

}  // namespace
}  // namespace flashphase::trainer::report
