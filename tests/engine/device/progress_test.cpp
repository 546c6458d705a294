#include "engine/device/progress.h"

#include <gmock/gmock.h>

#include <sstream>

namespace flashphase {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

class ProgressTest : public testing::Test {
 protected:
  Progress progress(bool on_terminal) { return {out_, on_terminal, "program", "frames", 400, begin_}; }
  std::string text() { return out_.str(); }

  const Progress::Clock::time_point begin_{};
  std::ostringstream out_;
};

TEST_F(ProgressTest, OfShortWorkLeavesNothingInALog) {
  Progress log = progress(false);
  log.tell(0, begin_);
  log.tell(399, begin_ + milliseconds(9999));
  log.clear();
  EXPECT_EQ(text(), "");
}

TEST_F(ProgressTest, IsALineEveryTenSecondsInALog) {
  Progress log = progress(false);
  for (int second = 0; second < 40; ++second)
    log.tell(static_cast<std::size_t>(10 * second), begin_ + seconds(second));
  EXPECT_EQ(text(),
            "program: 100 of 400 frames, 10/s, 30 s left\n"
            "program: 200 of 400 frames, 10/s, 20 s left\n"
            "program: 300 of 400 frames, 10/s, 10 s left\n");
}

TEST_F(ProgressTest, KeepsItsPaceAfterALongSilence) {
  Progress log = progress(false);
  log.tell(1, begin_ + seconds(25));
  log.tell(1, begin_ + seconds(29));
  log.tell(2, begin_ + seconds(30));
  EXPECT_EQ(text(),
            "program: 1 of 400 frames, 0.04/s, 2 h 46 min left\n"
            "program: 2 of 400 frames, 0.0667/s, 1 h 39 min left\n");
}

TEST_F(ProgressTest, SaysNothingOfARateBeforeThereIsOne) {
  Progress log = progress(false);
  log.tell(0, begin_ + seconds(10));
  EXPECT_EQ(text(), "program: 0 of 400 frames\n");
}

TEST_F(ProgressTest, CountsWhatAnEarlierRunDidInNoRate) {
  Progress log(out_, false, "program", "frames", 400, begin_, 300);
  log.tell(300, begin_ + seconds(10));
  log.tell(350, begin_ + seconds(20));
  EXPECT_EQ(text(), "program: 300 of 400 frames\nprogram: 350 of 400 frames, 2.5/s, 20 s left\n");
}

TEST_F(ProgressTest, IsOneLineOnATerminalThatIsWrittenOverAndTakenAway) {
  Progress line = progress(true);
  line.tell(0, begin_ + milliseconds(100));
  EXPECT_EQ(text(), "");
  line.tell(50, begin_ + seconds(1));
  line.tell(60, begin_ + milliseconds(1100));  // too soon
  line.tell(400, begin_ + seconds(2));
  const std::string first = "50 of 400 frames, 50/s, 7 s left", second = "400 of 400 frames, 200/s, 0 s left";
  EXPECT_EQ(text(), "\r" + first + "\r" + second);
  line.clear();
  line.clear();
  EXPECT_EQ(text(), "\r" + first + "\r" + second + "\r" + std::string(second.size(), ' ') + "\r");
}

TEST_F(ProgressTest, LeavesNothingOfALongerLineOnATerminal) {
  Progress line = progress(true);
  line.tell(1, begin_ + seconds(1000));
  line.tell(400, begin_ + seconds(1001));
  const std::string first = "1 of 400 frames, 0.001/s, 4 d 14 h left",
                    second = "400 of 400 frames, 0.4/s, 0 s left";
  EXPECT_EQ(text(), "\r" + first + "\r" + second + std::string(first.size() - second.size(), ' '));
}

TEST(DurationText, HasTheTwoUnitsThatMatter) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59.2), "1 min 0 s");
  EXPECT_EQ(duration_text(3599), "59 min 59 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
  EXPECT_EQ(duration_text(90000), "1 d 1 h");
  EXPECT_EQ(duration_text(1e300), "11574 d 1 h");
}

}  // namespace
}  // namespace flashphase
