#include <gmock/gmock.h>

#include <stdexcept>

#include "engine/refine/solver.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

ObjectBatch two_objects() {
  ObjectBatch objects(2, 3);
  objects.object = {0, 0, 0, 0, {0, 2}, 0.15f, 0, 0, 0.09f,  //
                    0, 0, 0, 0, 0,      0,     0, 0, 0};
  return objects;
}

TEST(StartsFrom, CutsTheSupportAtAFractionOfTheLargestAmplitude) {
  const Starts starts = starts_from(two_objects(), 0.05f, 0);
  EXPECT_EQ(starts.per_frame, 1);
  EXPECT_EQ(starts.size, 3);
  EXPECT_EQ(starts.object, two_objects().object);
  EXPECT_THAT(std::vector<int>(starts.support.begin(), starts.support.begin() + 9),
              ElementsAre(0, 0, 0, 0, 1, 1, 0, 0, 0));
}

TEST(StartsFrom, GrowsTheSupportByItsNeighbours) {
  ObjectBatch objects(1, 5);
  objects.object[2 * 5 + 0] = 1;
  EXPECT_THAT(starts_from(objects, 0.1f, 1).support, ElementsAre(0, 0, 0, 0, 0,  //
                                                                 1, 0, 0, 0, 0,  //
                                                                 1, 1, 0, 0, 0,  //
                                                                 1, 0, 0, 0, 0,  //
                                                                 0, 0, 0, 0, 0));
  EXPECT_THAT(starts_from(objects, 0.1f, 2).support, ElementsAre(1, 0, 0, 0, 0,  //
                                                                 1, 1, 0, 0, 0,  //
                                                                 1, 1, 1, 0, 0,  //
                                                                 1, 1, 0, 0, 0,  //
                                                                 1, 0, 0, 0, 0));
}

TEST(StartsFrom, GivesAnEmptyObjectTheWholeSquare) {
  const Starts starts = starts_from(two_objects(), 0.05f, 1);
  EXPECT_THAT(std::vector<int>(starts.support.begin() + 9, starts.support.end()), Each(1));
}

TEST(RegisteredStarts, LieOnTheFirstStartOfTheirFrame) {
  const int n = 8;
  ObjectBatch objects(2, n);
  std::vector<std::complex<float>> others(2 * 2 * n * n);
  for (int frame = 0; frame < 2; ++frame)
    for (int y = 2; y < 5; ++y)
      for (int x = 2; x < 6; ++x) {
        const auto row = static_cast<float>(y), column = static_cast<float>(x);
        const auto value = std::polar(1 + 0.3f * row, 0.5f * column * column - 0.2f * row);
        objects.object[static_cast<std::size_t>((frame * n + y) * n + x)] = value;
        // One lies elsewhere with another phase, the other is the twin.
        others[static_cast<std::size_t>(((frame * 2 + 0) * n + y + 2) * n + x - 1)] =
            value * std::complex<float>(0, 1);
        others[static_cast<std::size_t>(((frame * 2 + 1) * n + n - y) * n + n - x)] = std::conj(value);
      }
  Starts starts = starts_from(objects, 0.05f, 0);
  add_registered_starts(starts, 2, others);
  EXPECT_EQ(starts.per_frame, 3);
  ASSERT_EQ(starts.object.size(), 2u * 3 * n * n);
  for (std::size_t frame = 0; frame < 2; ++frame)
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < std::size_t{n} * n; ++i)
        EXPECT_LT(std::abs(starts.object[(frame * 3 + k) * n * n + i] - objects.object[frame * n * n + i]),
                  1e-5f)
            << "frame " << frame << " start " << k << " pixel " << i;
}

TEST(RegisteredStarts, HaveToBeAsLargeAsTheOthers) {
  Starts starts = starts_from(two_objects(), 0.05f, 0);
  EXPECT_THROW(add_registered_starts(starts, 1, std::vector<std::complex<float>>(17)), std::invalid_argument);
  add_registered_starts(starts, 0, {});
  EXPECT_EQ(starts.object, two_objects().object);
}

TEST(RandomStarts, FollowTheGivenOnesAndStayInsideTheSupport) {
  Starts starts = starts_from(two_objects(), 0.05f, 0);
  const auto given = starts.object;
  add_random_starts(starts, 3, 17);
  EXPECT_EQ(starts.per_frame, 3);
  ASSERT_EQ(starts.object.size(), 2u * 3 * 9);
  for (std::size_t frame = 0; frame < 2; ++frame) {
    int lit = 0;
    for (std::size_t i = 0; i < 27; ++i) {
      const auto value = starts.object[frame * 27 + i];
      if (i < 9) {
        EXPECT_EQ(value, given[frame * 9 + i]);
      } else if (!starts.support[frame * 9 + i % 9]) {
        EXPECT_EQ(value, std::complex<float>());
      } else {
        lit += std::abs(value) > 0;
      }
      EXPECT_LT(std::abs(value), 2.001f);
    }
    EXPECT_EQ(lit, frame == 0 ? 4 : 18);
  }
}

TEST(RandomStarts, AreTheSameForTheSameSeedAndDifferForAnother) {
  const auto made = [](std::uint64_t seed) {
    Starts starts = starts_from(two_objects());
    add_random_starts(starts, 4, seed);
    return starts.object;
  };
  EXPECT_EQ(made(1), made(1));
  EXPECT_NE(made(1), made(2));
}

TEST(RandomStarts, CannotBeFewerThanThoseThere) {
  Starts starts = starts_from(two_objects());
  EXPECT_THROW(add_random_starts(starts, 0, 1), std::invalid_argument);
  add_random_starts(starts, 1, 1);
  EXPECT_EQ(starts.object, two_objects().object);
}

TEST(RandomStarts, TakeTheirSupportFromTheAutocorrelation) {
  const Particle particle(32);
  PatternBatch patterns = particle.pattern(64);
  const Starts starts = random_starts(patterns, 32, 3, 1);
  EXPECT_EQ(starts.per_frame, 3);
  EXPECT_EQ(starts.size, 32);
  ASSERT_EQ(starts.object.size(), 3u * 32 * 32);
  int missed = 0, area = 0, own = 0;
  for (std::size_t i = 0; i < particle.support.size(); ++i) {
    missed += particle.support[i] && !starts.support[i];
    area += starts.support[i];
    own += particle.support[i];
    if (!starts.support[i]) {
      EXPECT_EQ(starts.object[i], std::complex<float>());
    }
  }
  EXPECT_LT(missed, own / 20);
  EXPECT_LT(area, own * 3 / 2);
}

TEST(RandomStarts, GiveAPatternWithoutSignalTheWholeSquare) {
  EXPECT_THAT(random_starts(PatternBatch(2, 16), 8, 1, 1).support,
              testing::AllOf(testing::SizeIs(128), Each(1)));
  EXPECT_THROW(random_starts(PatternBatch(1, 16), 9, 1, 1), std::invalid_argument);
}

TEST(PerturbedStarts, KeepTheAmplitudeOfTheFirst) {
  const Particle particle(16);
  Starts starts = particle.starts();
  add_perturbed_starts(starts, 3, 0.5f, 1);
  ASSERT_EQ(starts.object.size(), 3u * 256);
  float largest = 0;
  for (std::size_t i = 256; i < starts.object.size(); ++i) {
    const auto first = particle.start[i % 256];
    EXPECT_NEAR(std::abs(starts.object[i]), std::abs(first), 1e-5f);
    if (std::abs(first) > 0) largest = std::max(largest, std::abs(std::arg(starts.object[i] / first)));
  }
  EXPECT_LT(largest, 0.501f);
  EXPECT_GT(largest, 0.45f);
}

}  // namespace
}  // namespace flashphase::refine
