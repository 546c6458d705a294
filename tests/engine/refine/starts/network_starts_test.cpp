#include "engine/refine/starts/network_starts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/score/metrics.h"

namespace flashphase::refine {
namespace {

/// Answers each pattern with what it is told, and counts how often it is asked.
class Oracle final : public Network {
 public:
  explicit Oracle(ObjectBatch answer) : answer_(std::move(answer)) {
    info_.pattern_size = 2 * answer_.size;
    info_.object_size = answer_.size;
  }
  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "fp32"; }
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    ++asked;
    objects = ObjectBatch(patterns.count, answer_.size);
    for (int i = 0; i < patterns.count; ++i)
      std::ranges::copy(answer_.object_of(0), objects.object_of(i).begin());
  }

  int asked = 0;
  ModelInfo info_;

 private:
  ObjectBatch answer_;
};

constexpr int kN = 8, kCells = kN * kN;

/// [count] objects that are not zero in a square about the middle, each with a phase of its own.
ObjectBatch answers(int count) {
  ObjectBatch objects(count, kN);
  for (int i = 0; i < count; ++i)
    for (int y = 2; y < 6; ++y)
      for (int x = 2; x < 6; ++x)
        objects.object_of(i)[static_cast<std::size_t>(y * kN + x)] =
            std::polar(1.0f + 0.1f * static_cast<float>(x), 0.3f * static_cast<float>(y + i));
  return objects;
}

std::span<const std::complex<float>> start(const Starts& starts, int frame, int which) {
  return std::span(starts.object)
      .subspan(static_cast<std::size_t>((frame * starts.per_frame + which) * kCells), kCells);
}

float farthest(std::span<const std::complex<float>> a, std::span<const std::complex<float>> b) {
  float distance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) distance = std::max(distance, std::abs(a[i] - b[i]));
  return distance;
}

TEST(NetworkStarts, LieInsideALimitThatIsGiven) {
  std::vector<std::uint8_t> limit(kCells);
  std::fill_n(limit.begin(), 4 * kN, 1);
  const ObjectBatch given = answers(1);
  const Starts starts = NetworkStarts({}, nullptr)(PatternBatch(1, 2 * kN), given, limit);
  for (std::size_t i = 0; i < kCells; ++i)
    EXPECT_EQ(starts.object[i], limit[i] ? given.object[i] : std::complex<float>()) << i;
}

TEST(NetworkStarts, AreTheAnswerThenThatToTheViewsThenCopies) {
  Oracle viewer(answers(1));
  NetworkStarts starts_of({.per_frame = 6, .spread = 0.2f}, &viewer);
  const ObjectBatch given = answers(2);
  const Starts starts = starts_of(PatternBatch(2, 2 * kN), given);
  EXPECT_EQ(starts.per_frame, 6);
  EXPECT_EQ(viewer.asked, 3);  // the answer to the pattern as it is, is there
  for (int frame = 0; frame < 2; ++frame) {
    EXPECT_EQ(farthest(start(starts, frame, 0), given.object_of(frame)), 0);
    EXPECT_GT(farthest(start(starts, frame, 1), start(starts, frame, 0)), 0.05f) << "a view's answer";
    for (int copy = 4; copy < 6; ++copy)
      for (std::size_t i = 0; i < kCells; ++i) {
        const auto first = given.object_of(frame)[i], other = start(starts, frame, copy)[i];
        EXPECT_NEAR(std::abs(other), std::abs(first), 1e-5f);
        EXPECT_LE(std::abs(other - first), 0.2f * std::abs(first) + 1e-5f);
      }
    EXPECT_GT(farthest(start(starts, frame, 4), start(starts, frame, 5)), 0.01f);
  }
}

TEST(NetworkStarts, WithoutAViewerOrFromAModelWithoutDirectionAreCopies) {
  Oracle same_from_all_sides(answers(1));
  same_from_all_sides.info_.oriented = false;
  const ObjectBatch given = answers(1);
  const PatternBatch pattern(1, 2 * kN);
  const Starts none = NetworkStarts({.per_frame = 4}, nullptr)(pattern, given);
  const Starts one = NetworkStarts({.per_frame = 4}, &same_from_all_sides)(pattern, given);
  EXPECT_EQ(same_from_all_sides.asked, 0);
  EXPECT_EQ(none.object, one.object);
  for (std::size_t i = 0; i < kCells; ++i)
    EXPECT_NEAR(std::abs(start(none, 0, 1)[i]), std::abs(given.object_of(0)[i]), 1e-5f);
}

TEST(NetworkStarts, AFrameGetsTheSameWhereverItStandsInABatch) {
  const ObjectBatch three = answers(3);
  ObjectBatch last(1, kN);
  std::ranges::copy(three.object_of(2), last.object_of(0).begin());
  NetworkStarts starts_of({.per_frame = 3}, nullptr);
  const Starts all = starts_of(PatternBatch(3, 2 * kN), three);
  const Starts alone = starts_of(PatternBatch(1, 2 * kN), last);
  for (int which = 0; which < 3; ++which)
    EXPECT_EQ(farthest(start(all, 2, which), start(alone, 0, which)), 0);
  NetworkStarts otherwise({.per_frame = 3, .seed = 2}, nullptr);
  EXPECT_GT(farthest(start(otherwise(PatternBatch(1, 2 * kN), last), 0, 1), start(alone, 0, 1)), 0.01f);
}

TEST(NetworkStarts, StayInsideAnUpperLimit) {
  std::vector<std::uint8_t> limit(kCells, 0);
  for (int y = 3; y < 5; ++y)
    for (int x = 3; x < 5; ++x) limit[static_cast<std::size_t>(y * kN + x)] = 1;
  NetworkStarts starts_of({.per_frame = 2}, nullptr);
  const Starts starts = starts_of(PatternBatch(1, 2 * kN), answers(1), limit);
  EXPECT_EQ(starts.support, limit);
  EXPECT_EQ(starts.upper_limit, limit);
  EXPECT_THROW(starts_of(PatternBatch(1, 2 * kN), answers(1), {1, 1}), std::invalid_argument);
}

TEST(NetworkStarts, AskForTheAverageWhereTheFirstOneLies) {
  const Starts starts = NetworkStarts({.per_frame = 2}, nullptr)(PatternBatch(1, 2 * kN), answers(1));
  EXPECT_EQ(starts.choosing.average, Averaging::automatic);
  EXPECT_TRUE(starts.choosing.like_first_start);
  const auto limited = NetworkStarts({.per_frame = 2}, nullptr)(PatternBatch(1, 2 * kN), answers(1),
                                                                std::vector<std::uint8_t>(kN * kN, 1));
  EXPECT_FALSE(limited.choosing.like_first_start) << "it may not be moved out of what is given";
}

/// A disc of radius 6 in a square of 32, off its middle, with a halo all over as networks leave it on noise.
struct HaloedDisc {
  static constexpr int kSize = 32;
  ObjectBatch answer{1, kSize};
  PatternBatch pattern{1, 2 * kSize};
  std::vector<std::uint8_t> disc;

  HaloedDisc() {
    std::vector<std::complex<float>> object;
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const auto v = static_cast<float>(y - 13), u = static_cast<float>(x - 18);
        disc.push_back(v * v + u * u <= 36);
        object.push_back(disc.back() ? std::polar(1.0f, std::sin(v / 3) + 0.1f * u) : 0.0f);
      }
    const auto light = score::diffraction(object, kSize, 2 * kSize);
    const double sum = std::accumulate(light.begin(), light.end(), 0.0);
    std::mt19937 random(1);
    std::ranges::transform(light, pattern.intensity.begin(), [&](float value) {
      return static_cast<float>(
          std::poisson_distribution<int>(3e4 / sum * static_cast<double>(value))(random));
    });
    std::ranges::transform(object, answer.object.begin(), [](auto value) { return value + 0.05f; });
  }
};

TEST(NetworkStarts, StayInsideTheExtentThatTheAutocorrelationGivesAndHoldTheObject) {
  const HaloedDisc given;
  const Starts starts = NetworkStarts({}, nullptr)(given.pattern, given.answer);
  const auto support = starts.support_of(0);
  EXPECT_LT(std::ranges::count(support, 1), 400);  // the halo's is 1024
  for (std::size_t i = 0; i < support.size(); ++i) EXPECT_LE(given.disc[i], support[i]) << i;
  EXPECT_EQ(starts.upper_limit, support);  // shrink-wrap and averages stay there too
}

TEST(NetworkStarts, StayInsideAGivenLimitWhateverTheExtent) {
  const HaloedDisc given;
  std::vector<std::uint8_t> half(given.disc.size()), far(given.disc.size());
  std::fill(half.begin(), half.begin() + 13 * HaloedDisc::kSize, std::uint8_t{1});
  std::fill(far.end() - HaloedDisc::kSize, far.end(), std::uint8_t{1});
  NetworkStarts starts_of({}, nullptr);
  const auto cut = starts_of(given.pattern, given.answer, half).support_of(0);
  EXPECT_EQ(std::ranges::count(cut.begin() + 13 * HaloedDisc::kSize, cut.end(), 1), 0);
  EXPECT_LT(std::ranges::count(cut, 1), 250);
  EXPECT_GT(std::ranges::count(cut, 1), 50);
  EXPECT_EQ(starts_of(given.pattern, given.answer, far).upper_limit, far)
      << "nothing in common: the user is right";
}

}  // namespace
}  // namespace flashphase::refine
