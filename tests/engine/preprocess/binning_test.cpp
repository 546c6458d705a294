#include "engine/preprocess/preprocess.h"

#include <gmock/gmock.h>

#include <numeric>

#include "tests/engine/preprocess/frames.h"

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(Preprocessor, BinsBySumming) {
  const auto pattern = Preprocessor({.pattern_size = 2, .bin = 2}, nullptr)(frame_of(counting(16), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity,
              ElementsAre(1 + 2 + 5 + 6, 3 + 4 + 7 + 8, 9 + 10 + 13 + 14, 11 + 12 + 15 + 16));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, BinsTheWholeDetectorForAnyFactor) {
  const auto pattern = Preprocessor({.pattern_size = 2, .bin = 3}, nullptr)(frame_of(counting(36), 6, 6));
  ASSERT_TRUE(pattern);
  EXPECT_EQ(std::accumulate(pattern->intensity.begin(), pattern->intensity.end(), 0.0f), 36 * 37 / 2);
}

TEST(Preprocessor, PutsAGivenCentreInTheMiddleOfItsBin) {
  std::vector<float> pixels(81, 0.0f);
  pixels[4 * 9 + 5] = 7;
  const Preprocessor preprocess({.pattern_size = 2, .bin = 3, .centre_y = 4, .centre_x = 5}, nullptr);
  const auto pattern = preprocess(frame_of(pixels, 9, 9));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 0, 7));
}

TEST(Preprocessor, ScalesABinWithUnmeasuredMembersUp) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  const auto pattern = preprocess(frame_of({4, kNan, 1, 1,  //
                                            4, 4, 1, 1,     //
                                            kNan, 3, 1, 1,  //
                                            5, kNan, 1, 1},
                                           4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(16, 4, 16, 4));
  EXPECT_THAT(pattern->measured, Each(1));
}

TEST(Preprocessor, DoesNotMeasureABinWithMoreThanHalfUnmeasured) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  const auto pattern = preprocess(frame_of({kNan, kNan, 1, 1,  //
                                            kNan, 4, 1, 1,     //
                                            1, 1, 1, 1,        //
                                            1, 1, 1, 1},
                                           4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 4, 4, 4));
  EXPECT_THAT(pattern->measured, ElementsAre(0, 1, 1, 1));
}

TEST(Preprocessor, TreatsBinMembersBeyondTheEdgeAsUnmeasured) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2, .centre_y = 0.5f, .centre_x = 1.5f}, nullptr);
  const auto pattern = preprocess(frame_of(std::vector<float>(16, 2.0f), 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(0, 0, 1, 1));  // columns -1..0 and 1..2, rows -2..-1 and 0..1
  EXPECT_THAT(pattern->intensity, ElementsAre(0, 0, 8, 8));
}

TEST(Preprocessor, DoesNotMeasureABinThatOverflows) {
  const Preprocessor preprocess({.pattern_size = 2, .bin = 2}, nullptr);
  std::vector<float> pixels(16, 1.0f);
  pixels[0] = pixels[1] = 3e38f;
  const auto pattern = preprocess(frame_of(pixels, 4, 4));
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->measured, ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(pattern->intensity, Each(testing::Lt(5.0f)));
}

}  // namespace
}  // namespace flashphase::preprocess
