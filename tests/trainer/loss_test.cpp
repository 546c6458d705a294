#include "trainer/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "engine/infer/modules/module_tensors.h"

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

/// Arbitrary numbers that hold nothing of the code under test.
double number(int i) {
  return 0.7 + 0.4 * std::sin(1.7 * i * i + 0.3 * i);
}

/// The parts of the loss by sums over pixels and the definition of the discrete Fourier transform.
struct PlainWu2021 {
  static constexpr int kN = 4, kM = 8;
  using Complex = std::complex<double>;
  double amplitude[kN * kN], phase[kN * kN];  // predicted
  Complex truth[kN * kN];

  PlainWu2021() {
    for (int i = 0; i < kN * kN; ++i) {
      amplitude[i] = number(i);
      phase[i] = number(i + 50) * 0.9;
      truth[i] = std::polar(i == 5 ? 0.01 : number(i + 100), 5 * (number(i + 150) - 0.7));  // pixel 5 is dark
    }
  }

  /// |F| at (ky, kx), the object's origin in the middle.
  template <class Value>
  static double modulus(int ky, int kx, Value value) {
    Complex sum = 0;
    for (int y = 0; y < kN; ++y)
      for (int x = 0; x < kN; ++x)
        sum += value(y * kN + x) *
               std::polar(1.0, -2 * std::numbers::pi * (ky * (y - kN / 2) + kx * (x - kN / 2)) / kM);
    return std::abs(sum);
  }
  double predicted_modulus(int k) const {
    return modulus(k / kM, k % kM,
                   [&](int i) { return std::polar(amplitude[i], (2 * phase[i] - 1) * std::numbers::pi); });
  }
  double true_modulus(int k) const {
    return modulus(k / kM, k % kM, [&](int i) { return truth[i]; });
  }
  double true_phase(int i) const {
    return i == 5 ? 0.5 : (std::arg(truth[i]) + std::numbers::pi) / (2 * std::numbers::pi);
  }

  template <class P, class G>
  static double relative_error(int count, P p, G g) {
    double apart = 0, size = 0;
    for (int i = 0; i < count; ++i) {
      apart += (p(i) - g(i)) * (p(i) - g(i));
      size += g(i) * g(i);
    }
    return apart / size;
  }
  double correlation() const {
    double p = 0, g = 0, pp = 0, gg = 0, pg = 0;
    for (int k = 0; k < kM * kM; ++k) {
      const double a = predicted_modulus(k), b = true_modulus(k);
      p += a;
      g += b;
      pp += a * a;
      gg += b * b;
      pg += a * b;
    }
    const double count = kM * kM;
    return (pg - p * g / count) / std::sqrt((pp - p * p / count) * (gg - g * g / count));
  }
};

TEST(Wu2021Loss, EqualsItsDefinitionSummedPixelByPixel) {
  using Plain = PlainWu2021;
  constexpr int kN = Plain::kN, kM = Plain::kM;
  const Plain plain;
  infer::Wu2021Answer answer{torch::zeros({1, kN, kN}), torch::zeros({1, kN, kN})};
  const auto truth = torch::zeros({1, 2, kN, kN}), truth_modulus = torch::zeros({1, kM, kM});
  for (int i = 0; i < kN * kN; ++i) {
    answer.amplitude.view(-1)[i] = plain.amplitude[i];
    answer.phase.view(-1)[i] = plain.phase[i];
    truth[0][0].view(-1)[i] = plain.truth[i].real();
    truth[0][1].view(-1)[i] = plain.truth[i].imag();
  }
  for (int k = 0; k < kM * kM; ++k)  // transposed, as fft::Fft2 leaves it
    truth_modulus[0][k % kM][k / kM] = plain.true_modulus(k);
  const Wu2021Loss loss = wu2021_loss(answer, truth, truth_modulus);

  const auto of = [](const auto& values) { return [&values](int i) { return values[i]; }; };
  EXPECT_NEAR(
      loss.amplitude.item<double>(),
      Plain::relative_error(kN * kN, of(plain.amplitude), [&](int i) { return std::abs(plain.truth[i]); }),
      1e-5);
  EXPECT_NEAR(loss.phase.item<double>(),
              Plain::relative_error(kN * kN, of(plain.phase), [&](int i) { return plain.true_phase(i); }),
              1e-5);
  EXPECT_NEAR(loss.modulus.item<double>(),
              Plain::relative_error(
                  kM * kM, [&](int k) { return plain.predicted_modulus(k); },
                  [&](int k) { return plain.true_modulus(k); }),
              1e-5);
  EXPECT_NEAR(loss.correlation.item<double>(), plain.correlation(), 1e-5);
}

TEST(Wu2021Loss, IsNothingForTheTruthAndNotForItsTwin) {
  torch::manual_seed(5);
  const auto truth = random_object(3);
  const auto parts = [&](const torch::Tensor& object) {
    const auto amplitude = object.square().sum(1).sqrt();
    const auto bright = amplitude > 0.1 * amplitude.amax({1, 2}, true);
    const auto phase =
        torch::atan2(object.select(1, 1), object.select(1, 0)) * bright / (2 * std::numbers::pi) + 0.5;
    return wu2021_loss({amplitude, phase}, truth, infer::modulus_of(truth, 2 * kEdge));
  };
  const Wu2021Loss same = parts(truth), other = parts(twin(truth));
  EXPECT_LT(same.amplitude.max().item<double>(), 1e-6);
  EXPECT_LT(same.phase.max().item<double>(), 1e-6);
  EXPECT_LT(same.modulus.max().item<double>(), 1e-2) << "pixels below a tenth lose their phase";
  EXPECT_GT(same.correlation.min().item<double>(), 0.99);
  EXPECT_GT(other.amplitude.min().item<double>(), 0.1);
  EXPECT_GT(other.phase.min().item<double>(), 0.1);
  EXPECT_LT(other.modulus.max().item<double>(), 1e-2);
}

TEST(Reoriented, PatternAndObjectTurnAlike) {
  torch::manual_seed(4);
  const auto object = random_object(1);
  const auto pattern = [](const torch::Tensor& of) {
    return infer::modulus_of(of, 2 * kEdge).transpose(1, 2);
  };
  const auto middle = [](const torch::Tensor& x) { return x.roll({kEdge, kEdge}, {1, 2}); };
  for (unsigned turn = 0; turn < 8; ++turn)
    EXPECT_TRUE(torch::allclose(middle(pattern(reoriented(object, turn))),
                                reoriented(middle(pattern(object)), turn), 1e-4, 1e-4))
        << turn;
  EXPECT_FALSE(torch::allclose(reoriented(object, 1), object));
}

/// A pattern of two pixels a side, one of them dead, of an object of one pixel of amplitude 3: |F| = 3
/// everywhere.
struct Pixels {
  torch::Tensor object = torch::zeros({1, 2, 1, 1}), modulus = torch::zeros({1, 2, 2}),
                measured = torch::ones({1, 2, 2}, torch::kByte);
  Pixels() {
    object[0][1][0][0] = -3;
    modulus.copy_(torch::tensor({2.0f, 4.0f, 3.0f, 99.0f}).view({1, 2, 2}));
    measured[0][1][1] = 0;
  }
};

TEST(PoissonLoss, EqualsTheLikelihoodOfTheMeasuredCountsByHand) {
  const Pixels pixels;
  // Counts 4, 16, 9 where 9 are expected: NLL - least = sum mu - k + k ln(k / mu).
  const double expected =
      (9 - 4 + 4 * std::log(4.0 / 9) + 9 - 16 + 16 * std::log(16.0 / 9) + 0) / (4 + 16 + 9);
  EXPECT_NEAR(poisson_loss(pixels.object, pixels.modulus, pixels.measured).item<double>(), expected, 1e-5);
}

TEST(FourierPearsonLoss, EqualsItsDefinitionByHand) {
  const Pixels pixels;
  // |F| has no variance: r = 0.
  EXPECT_NEAR(fourier_pearson_loss(pixels.object, pixels.modulus, pixels.measured).item<double>(),
              2.0 / (4 + 16 + 9) + 1, 1e-4);
}

TEST(FourierPearsonLoss, EqualsItsDefinitionOverTheMeasuredPixels) {
  torch::manual_seed(6);
  const auto object = random_object(1);
  const auto predicted = infer::modulus_of(object, 2 * kEdge);
  const auto modulus = torch::rand_like(predicted) * 30;
  const auto measured = (torch::rand_like(predicted) > 0.3).to(torch::kByte);
  double count = 0, apart = 0, p = 0, g = 0, pp = 0, gg = 0, pg = 0;
  for (std::int64_t k = 0; k < predicted.numel(); ++k) {
    if (measured.view(-1)[k].item<int>() == 0) continue;
    const double a = predicted.view(-1)[k].item<double>(), b = modulus.view(-1)[k].item<double>();
    ++count;
    apart += (a - b) * (a - b);
    p += a;
    g += b;
    pp += a * a;
    gg += b * b;
    pg += a * b;
  }
  const double r = (pg - p * g / count) / std::sqrt((pp - p * p / count) * (gg - g * g / count));
  EXPECT_NEAR(fourier_pearson_loss(object, modulus, measured).item<double>(), apart / gg + 1 - r, 1e-4);
}

TEST(LossesWithoutAnObject, AreNothingForTruthTwinAndGlobalPhaseWhateverDeadPixelsHold) {
  torch::manual_seed(7);
  const auto truth = random_object(2);
  auto modulus = infer::modulus_of(truth, 2 * kEdge);
  const auto measured = (torch::rand_like(modulus) > 0.2).to(torch::kByte);
  modulus = torch::where(measured.ne(0), modulus, torch::full_like(modulus, 1e3));
  for (const auto loss : {fourier_pearson_loss, poisson_loss}) {
    for (const auto& same : {truth, twin(truth), turned(truth, 0.7)})
      EXPECT_LT(loss(same, modulus, measured).abs().max().item<double>(), 1e-4);
    EXPECT_GT(loss(1.1 * truth, modulus, measured).min().item<double>(), 1e-3) << "the scale counts";
    EXPECT_GT(loss(random_object(2), modulus, measured).min().item<double>(), 0.1);
  }
}

TEST(LossesWithoutAnObject, HaveGradientsWhereThereIsNothing) {
  const auto modulus = torch::zeros({1, 2 * kEdge, 2 * kEdge});
  const auto nothing = torch::zeros({1, 2 * kEdge, 2 * kEdge}, torch::kByte);
  for (const auto loss : {fourier_pearson_loss, poisson_loss})
    for (const auto& seen : {nothing, torch::ones_like(nothing)}) {
      auto object = torch::zeros({1, 2, kEdge, kEdge}).requires_grad_(true);
      loss(object, modulus, seen).sum().backward();
      EXPECT_TRUE(object.grad().isfinite().all().item<bool>());
    }
}

}  // namespace
}  // namespace flashphase::trainer
