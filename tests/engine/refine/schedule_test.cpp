#include "engine/refine/schedule.h"

#include <gmock/gmock.h>

#include <stdexcept>

namespace flashphase::refine {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

Step er(int iterations) {
  return {Algorithm::er, iterations};
}
Step hio(int iterations, float beta = 0.9f) {
  return {Algorithm::hio, iterations, beta};
}

TEST(Schedule, ReadsCountsAndWords) {
  const Schedule schedule = parse_schedule("80*HIO+20*ER");
  EXPECT_THAT(schedule.steps, ElementsAre(hio(80), er(20)));
  EXPECT_FALSE(schedule.shrink_wrap);
  EXPECT_EQ(schedule.text, "80*HIO+20*ER");
  EXPECT_EQ(schedule.iterations(), 100);
}

TEST(Schedule, TakesAWordWithoutACountOnce) {
  EXPECT_THAT(parse_schedule("ER+HIO").steps, ElementsAre(er(1), hio(1)));
}

TEST(Schedule, RepeatsWhatStandsInParentheses) {
  EXPECT_THAT(parse_schedule("2*(20*ER+180*HIO)+20*ER").steps,
              ElementsAre(er(20), hio(180), er(20), hio(180), er(20)));
}

TEST(Schedule, RepeatsParenthesesInsideParentheses) {
  EXPECT_THAT(parse_schedule("2*(2*(ER+HIO)+3*ER)").steps,
              ElementsAre(er(1), hio(1), er(1), hio(1), er(4), hio(1), er(1), hio(1), er(3)));
  EXPECT_THAT(parse_schedule("(((5*ER)))").steps, ElementsAre(er(5)));
}

TEST(Schedule, JoinsEqualNeighbours) {
  EXPECT_THAT(parse_schedule("10*ER+5*ER+2*HIO(beta=0.5)+HIO").steps,
              ElementsAre(er(15), hio(2, 0.5f), hio(1)));
  EXPECT_THAT(parse_schedule("1000*(10*ER)").steps, ElementsAre(er(10000)));
}

TEST(Schedule, ReadsTheFeedback) {
  EXPECT_THAT(parse_schedule("7*HIO(beta=0.75)").steps, ElementsAre(hio(7, 0.75f)));
}

TEST(Schedule, ReadsMaximumLikelihoodAndItsPull) {
  EXPECT_THAT(parse_schedule("30*ML+ML(pull=0.01)").steps,
              ElementsAre(Step{.algorithm = Algorithm::ml, .iterations = 30},
                          Step{.algorithm = Algorithm::ml, .iterations = 1, .pull = 0.01f}));
  EXPECT_THROW(parse_schedule("ML(beta=0.9)"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("ML(pull=0)"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("HIO(pull=0.01)"), std::invalid_argument);
}

TEST(Schedule, ReadsShrinkWrap) {
  const Schedule schedule = parse_schedule("9*ER+SW(every=5,from=50,sigma=3:1.5,threshold=0.2)");
  EXPECT_EQ(schedule.iterations(), 9);
  EXPECT_EQ(schedule.shrink_wrap,
            (ShrinkWrap{.every = 5, .from = 50, .sigma_start = 3, .sigma_end = 1.5f, .threshold = 0.2f}));
}

TEST(Schedule, HasDefaultsForShrinkWrap) {
  EXPECT_EQ(parse_schedule("SW+9*ER").shrink_wrap, ShrinkWrap{});
  EXPECT_EQ(parse_schedule("9*ER+SW(sigma=1)").shrink_wrap, (ShrinkWrap{.sigma_start = 1, .sigma_end = 1}));
}

TEST(Schedule, ReadsEveryAlgorithm) {
  const auto steps =
      parse_schedule("2*RAAR(beta=0.8)+DM(beta=1.15)+RRR(beta=0.5)+HPR+CHIO(alpha=0.3,beta=0.7)+SF+OSS+AER")
          .steps;
  EXPECT_THAT(steps, ElementsAre(Step{Algorithm::raar, 2, 0.8f}, Step{Algorithm::dm, 1, 1.15f},
                                 Step{Algorithm::rrr, 1, 0.5f}, Step{Algorithm::hpr, 1},
                                 Step{Algorithm::chio, 1, 0.7f, 0.3f}, Step{Algorithm::sf, 1},
                                 Step{Algorithm::oss, 1}, Step{Algorithm::aer, 1}));
}

TEST(Schedule, ReadsOptionsOfSteps) {
  EXPECT_THAT(parse_schedule("3*ER(positive)+2*HIO(real, beta=0.5, positive)").steps,
              ElementsAre(Step{.algorithm = Algorithm::er, .iterations = 3, .positive = true},
                          Step{Algorithm::hio, 2, 0.5f, Step{}.alpha, true, true}));
  EXPECT_THAT(parse_schedule("ER+ER(real)+ER").steps.size(), 3);
}

TEST(Schedule, ReadsAreaAndGrowth) {
  EXPECT_EQ(parse_schedule("ER+SW(area=0.25,grow=2)").shrink_wrap,
            (ShrinkWrap{.area_start = 0.25f, .area_end = 0.25f, .grow = 2}));
  EXPECT_EQ(parse_schedule("ER+SW(area=0.3:0.05)").shrink_wrap,
            (ShrinkWrap{.area_start = 0.3f, .area_end = 0.05f}));
}

TEST(Schedule, WrapsFromItsFirstIterationOnWithALinearCourse) {
  const ShrinkWrap wrap{
      .every = 20, .from = 100, .sigma_start = 3, .sigma_end = 1, .area_start = 0.5f, .area_end = 0.1f};
  for (const int done : {0, 80, 99, 101, 119}) EXPECT_LT(wrap.part_at(done, 300), 0) << done;
  EXPECT_EQ(wrap.part_at(100, 300), 0);
  EXPECT_EQ(wrap.part_at(200, 300), 0.5f);
  EXPECT_EQ(wrap.part_at(300, 300), 1);
  EXPECT_EQ(wrap.part_at(100, 50), 0);
  EXPECT_FLOAT_EQ(wrap.sigma_at(0.25f), 2.5f);
  EXPECT_FLOAT_EQ(wrap.area_at(0.25f), 0.4f);
}

TEST(Schedule, ReadsHowStrictlyTheModulusIsKept) {
  EXPECT_EQ(parse_schedule("ER").modulus, ModulusRule{});
  EXPECT_EQ(parse_schedule("ER+MOD(confidence=1.5,bound=2)").modulus, (ModulusRule{1.5f, 2}));
}

TEST(Schedule, ReadsWhenToStop) {
  EXPECT_FALSE(parse_schedule("ER").stop);
  EXPECT_EQ(parse_schedule("STOP+ER").stop, Stop{});
  EXPECT_EQ(parse_schedule("ER+STOP(after=30,gain=0.05,below=1e-6)").stop, (Stop{30, 0.05f, 1e-6f}));
}

TEST(Schedule, DoesNotMindSpaces) {
  EXPECT_THAT(parse_schedule(" 2 * ( 20 * ER + HIO ( beta = 0.5 ) ) + ER ").steps,
              ElementsAre(er(20), hio(1, 0.5f), er(20), hio(1, 0.5f), er(1)));
}

TEST(Schedule, KnowsThePresets) {
  EXPECT_THAT(parse_schedule("polish").steps, ElementsAre(hio(85), Step{Algorithm::aer, 15}));
  EXPECT_EQ(parse_schedule("polish").text, "polish");
  EXPECT_THAT(parse_schedule("thorough").steps,
              ElementsAre(hio(85), Step{Algorithm::aer, 15}, hio(765), Step{Algorithm::aer, 135}));
  EXPECT_EQ(parse_schedule("paper").iterations(), 600);
  EXPECT_TRUE(parse_schedule("paper").shrink_wrap);
  EXPECT_EQ(parse_schedule("random").iterations(), 650);
  EXPECT_THAT(parse_schedule("none").steps, IsEmpty());
  EXPECT_EQ(preset_names(), "polish, thorough, explain, paper, random, none");
  EXPECT_TRUE(parse_schedule("explain").until_explained);
  EXPECT_FALSE(parse_schedule("thorough").until_explained);
  EXPECT_TRUE(parse_schedule("random").tries_areas);
  EXPECT_FALSE(parse_schedule("paper").tries_areas);
  EXPECT_EQ(parse_schedule("none").iterations(), 0);
}

TEST(Schedule, TakesUpToAMillionIterations) {
  EXPECT_EQ(parse_schedule("1000*(999*HIO+ER)").iterations(), 1'000'000);
  EXPECT_THROW(parse_schedule("1000*(999*HIO+ER)+ER"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("1000001*ER"), std::invalid_argument);
  EXPECT_THROW(parse_schedule("1000000*(1000000*(1000000*ER))"), std::invalid_argument);
}

struct Mistake {
  const char* text;
  int column;
  const char* what;
};

class WrongSchedule : public testing::TestWithParam<Mistake> {};

TEST_P(WrongSchedule, IsRefusedWithTheColumn) {
  const Mistake& mistake = GetParam();
  const std::string column = "column " + std::to_string(mistake.column) + ":";
  EXPECT_THAT([&] { parse_schedule(mistake.text); },
              ThrowsMessage<std::invalid_argument>(AllOf(HasSubstr(column), HasSubstr(mistake.what))))
      << mistake.text;
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes, WrongSchedule,
    testing::Values(
        Mistake{"", 1, "expected a count"}, Mistake{"80*HIOO+20*ER", 4, "unknown word 'HIOO'"},
        Mistake{"polsh", 1, "or alone a preset: polish"}, Mistake{"80*hio", 4, "unknown word 'hio'"},
        Mistake{"0*ER", 1, "from 1 to 1000000"}, Mistake{"ER+-5*ER", 4, "expected a count"},
        Mistake{"20ER", 3, "expected '*'"}, Mistake{"20*", 4, "expected a count"},
        Mistake{"3*(20*ER", 9, "expected ')'"}, Mistake{"20*ER)", 6, "expected '+'"},
        Mistake{"20*ER+", 7, "expected a count"}, Mistake{"ER(beta=1)", 4, "expected positive or real"},
        Mistake{"HIO(gamma=1)", 5, "unknown parameter 'gamma'"},
        Mistake{"HIO(beta=x)", 10, "expected a number"}, Mistake{"HIO(beta=9)", 10, "from 0.01 to 2"},
        Mistake{"HIO(beta=nan)", 10, "expected a number"}, Mistake{"HIO(beta)", 9, "expected '='"},
        Mistake{"HIO()", 5, "unknown parameter ''"},
        Mistake{"HIO(alpha=0.5)", 5, "unknown parameter 'alpha'"},
        Mistake{"AER(positive)", 5, "unknown parameter 'positive', expected real"},
        Mistake{"CHIO(alpha=0)", 12, "from 0.01 to 1"},
        Mistake{"RAAR(beta=0.5,beta=5)", 20, "from 0.01 to 2"}, Mistake{"ER(positive=1)", 12, "expected ')'"},
        Mistake{"ER+SW(area=0)", 12, "0.001"}, Mistake{"2*MOD+ER", 3, "MOD stands alone"},
        Mistake{"ER+MOD(confidence=-1)", 19, "from 0 to 100"},
        Mistake{"ER+MOD(x=1)", 8, "expected confidence or bound"},
        Mistake{"ER+STOP+STOP", 9, "STOP is there twice"}, Mistake{"ER+STOP(after=0)", 15, "from 1 to"},
        Mistake{"ER+STOP(gain=2)", 14, "from 0 to 0.999"}, Mistake{"4*raar", 3, "unknown word 'raar'"},
        Mistake{"ER+SW(every=0)", 13, "from 1 to"}, Mistake{"ER+SW(threshold=1)", 17, "0.999"},
        Mistake{"ER+SW(sigma=2:-1)", 15, "expected a number"}, Mistake{"2*(ER+SW)", 7, "SW stands alone"},
        Mistake{"3*SW+ER", 3, "SW stands alone"}, Mistake{"ER+SW+SW", 7, "SW is there twice"},
        Mistake{"SW", 1, "no iteration"}, Mistake{"ER;ER", 3, "expected '+'"},
        Mistake{"99999999999*ER", 1, "from 1 to 1000000"},
        Mistake{"ER+600000*ER+600000*HIO", 14, "more than 1000000"}));

TEST(Schedule, RefusesParenthesesWithoutEnd) {
  EXPECT_THROW(parse_schedule(std::string(100000, '(')), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::refine
