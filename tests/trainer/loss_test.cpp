#include "trainer/loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flashphase::trainer {
namespace {

constexpr int kEdge = 16;

/// An object that leaves row and column 0 empty, so that mirroring about [n/2, n/2] loses nothing.
torch::Tensor random_object(int batch) {
  auto object = torch::zeros({batch, 2, kEdge, kEdge});
  using torch::indexing::Slice;
  object.index_put_({Slice(), Slice(), Slice(3, 12), Slice(2, 15)}, torch::randn({batch, 2, 9, 13}));
  return object;
}

torch::Tensor turned(const torch::Tensor& object, double angle) {
  const auto re = object.select(1, 0), im = object.select(1, 1);
  return torch::stack(
      {re * std::cos(angle) - im * std::sin(angle), re * std::sin(angle) + im * std::cos(angle)}, 1);
}

torch::Tensor twin(const torch::Tensor& object) {
  auto out = torch::empty_like(object);
  for (int y = 0; y < kEdge; ++y)
    for (int x = 0; x < kEdge; ++x) {
      using torch::indexing::Slice;
      const int from_y = (kEdge - y) % kEdge, from_x = (kEdge - x) % kEdge;
      out.index_put_({Slice(), 0, y, x}, object.index({Slice(), 0, from_y, from_x}));
      out.index_put_({Slice(), 1, y, x}, -object.index({Slice(), 1, from_y, from_x}));
    }
  return out;
}

TEST(TwinAwareError, IsZeroForTheTruthItsTwinAndAnyGlobalPhase) {
  torch::manual_seed(1);
  const auto truth = random_object(4);
  for (const auto& same : {truth, twin(truth), turned(truth, 2.1), turned(twin(truth), -1.0)})
    EXPECT_LT(twin_aware_error(same, truth).abs().max().item<double>(), 1e-5);
}

TEST(TwinAwareError, IsTheRelativeSquaredDifferenceNearTheTruth) {
  torch::manual_seed(2);
  const auto truth = random_object(3);
  const auto near = truth * 1.1;
  const auto error = twin_aware_error(near, truth);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(error[i].item<double>(), 0.01, 1e-4);
}

TEST(TwinAwareError, IsOneForNothingAndLargeForSomethingElse) {
  torch::manual_seed(3);
  const auto truth = random_object(2);
  EXPECT_NEAR(twin_aware_error(torch::zeros_like(truth), truth).mean().item<double>(), 1, 1e-5);
  EXPECT_GT(twin_aware_error(random_object(2), truth).min().item<double>(), 0.8);
}

TEST(TwinAwareError, LeadsDownhillToTheTwinWhenThatIsNearer) {
  torch::manual_seed(4);
  const auto truth = random_object(1);
  auto guess = (twin(truth) + 0.3 * random_object(1)).requires_grad_(true);
  const double before = twin_aware_error(guess, truth).sum().item<double>();
  twin_aware_error(guess, truth).sum().backward();
  const auto moved = guess.detach() - 0.1 * truth.square().sum() * guess.grad();
  EXPECT_LT(twin_aware_error(moved, truth).sum().item<double>(), before);
}

}  // namespace
}  // namespace flashphase::trainer
