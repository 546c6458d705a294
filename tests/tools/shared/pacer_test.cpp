#include "tools/shared/pacer.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace flashphase::tools {
namespace {

using std::chrono::milliseconds;

TEST(Pacer, SpacesFramesEvenlyAndGivesEachItsOwnTrain) {
  const Pacer pacer = Pacer::from_rate("250");
  EXPECT_EQ(pacer.due(0), milliseconds(0));
  EXPECT_EQ(pacer.due(1), milliseconds(4));
  EXPECT_EQ(pacer.due(500), milliseconds(2000));
  EXPECT_EQ(pacer.train(7), 7u);
  EXPECT_EQ(pacer.pulse(7), 0u);
}

TEST(Pacer, SendsThePulsesOfATrainTogether) {
  const Pacer pacer = Pacer::from_trains("10x352");
  EXPECT_EQ(pacer.due(351), milliseconds(0));
  EXPECT_EQ(pacer.due(352), milliseconds(100));
  EXPECT_EQ(pacer.due(703), milliseconds(100));
  EXPECT_EQ(pacer.train(703), 1u);
  EXPECT_EQ(pacer.pulse(703), 351u);
}

TEST(Pacer, NeverWaitsAtTheLargestRate) {
  const Pacer pacer = Pacer::from_rate("max");
  EXPECT_EQ(pacer.due(1'000'000), milliseconds(0));
  EXPECT_EQ(pacer.train(9), 9u);
}

TEST(Pacer, RefusesWhatIsNoRate) {
  for (const char* text : {"", "0", "-5", "fast", "10Hz"})
    EXPECT_THROW(Pacer::from_rate(text), std::invalid_argument) << text;
  for (const char* text : {"", "10", "x352", "10x", "0x352", "10x0", "10x3.5", "10x352x2"})
    EXPECT_THROW(Pacer::from_trains(text), std::invalid_argument) << text;
}

}  // namespace
}  // namespace flashphase::tools
