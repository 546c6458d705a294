#include "trainer/report/course.h"

#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <vector>

#include "engine/dataset/patterns.h"
#include "engine/refine/solver.h"
#include "trainer/report/subject.h"

namespace flashphase::trainer::report {
namespace {

TEST(Course, EndsWhereTheSolverDoesAndLooksOnTheWay) {
  simulate::Recipe recipe = simulate::shipped_recipe("paper");
  recipe.object_size = 16;
  recipe.semi_axis = {3, 5};
  const PatternBatch patterns = patterns_of(simulated(recipe, 1, 3));
  const refine::Starts starts = refine::random_starts(patterns, 16, 1, 5);
  const refine::Schedule schedule = refine::parse_schedule("40*HIO+60*ER+SW(every=10,from=20)");
  refine::Refined refined;
  refine::make_cpu_solver()->solve(patterns, starts, schedule, refined);

  CourseMaker make(32, 16);
  const Course course = make(patterns.intensity_of(0), patterns.measured_of(0), starts.object, starts.support,
                             schedule, 10, true);
  ASSERT_EQ(course.chi2.size(), 11u);
  ASSERT_EQ(course.objects.size(), 11u);
  EXPECT_GT(course.chi2[0], course.chi2[10]);
  EXPECT_NEAR(course.chi2[10], static_cast<double>(refined.objects.residual[0]), 0.02 * course.chi2[10]);
  const Course last = make(patterns.intensity_of(0), patterns.measured_of(0), starts.object, starts.support,
                           schedule, 10, false);
  ASSERT_EQ(last.objects.size(), 1u);
  EXPECT_EQ(last.objects[0], course.objects[10]);
  EXPECT_EQ(last.chi2, course.chi2);
}

TEST(Simulated, TheSameForTheSameSeedAndPartsOfItAreItsFrames) {
  simulate::Recipe recipe = simulate::shipped_recipe("paper");
  recipe.object_size = 16;
  recipe.semi_axis = {3, 5};
  const Dataset set = simulated(recipe, 5, 3), same = simulated(recipe, 5, 3), part = part_of(set, 2, 2);
  EXPECT_EQ(set.patterns, same.patterns);
  EXPECT_EQ(std::vector(part.object(1).begin(), part.object(1).end()),
            std::vector(set.object(3).begin(), set.object(3).end()));
  EXPECT_EQ(std::vector(part.measured(0).begin(), part.measured(0).end()),
            std::vector(set.measured(2).begin(), set.measured(2).end()));
}

}  // namespace
}  // namespace flashphase::trainer::report
