#include "engine/simulate/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace flashphase::simulate {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& yaml) {
  try {
    parse_recipe(yaml);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Recipe, SurvivesTheWayToYamlAndBack) {
  Recipe odd = training_recipe();
  odd.object_size = 24;
  odd.photons = {1234.567f, 3.3333333e7f};
  odd.edge_sigma = {0.1f + 0.2f, 0.7f};
  odd.saturation = 65535;
  for (const Recipe& recipe : {Recipe{}, paper_recipe(), training_recipe(), odd})
    EXPECT_EQ(parse_recipe(to_yaml(recipe)), recipe);
}

TEST(Recipe, OfAnEmptyTextIsTheDefault) {
  EXPECT_EQ(parse_recipe(""), Recipe{});
}

TEST(Recipe, TakesOneNumberForARange) {
  const Recipe recipe = parse_recipe("photons: 1e5\nbeam_stop: [1, 2.5]\n");
  EXPECT_EQ(recipe.photons, (Range{1e5f, 1e5f}));
  EXPECT_EQ(recipe.beam_stop, (Range{1, 2.5f}));
  EXPECT_EQ(recipe.exponent, Recipe{}.exponent);
}

TEST(Recipe, RefusesAnUnknownKeyAndNamesTheKnownOnes) {
  const std::string message = refusal("phtons: [1e3, 1e8]");
  EXPECT_THAT(message, HasSubstr("'phtons' is unknown"));
  EXPECT_THAT(message, HasSubstr("photons"));
}

TEST(Recipe, RefusesWrongValuesAndNamesTheKey) {
  EXPECT_THAT(refusal("photons: many"), HasSubstr("'photons' must be a number"));
  EXPECT_THAT(refusal("photons: [1, 2, 3]"), HasSubstr("'photons' must be a number or a range [min, max]"));
  EXPECT_THAT(refusal("photons: {min: 1}"), HasSubstr("'photons'"));
  EXPECT_THAT(refusal("photons: [1e8, 1e3]"), HasSubstr("'photons' has its minimum above its maximum"));
  EXPECT_THAT(refusal("photons: [0, 1e3]"), HasSubstr("'photons' must be from 1"));
  EXPECT_THAT(refusal("photons: .nan"), HasSubstr("'photons' must be from 1"));
  EXPECT_THAT(refusal("object_size: 32.5"), HasSubstr("'object_size' must be a whole number"));
  EXPECT_THAT(refusal("object_size: -4"), HasSubstr("'object_size' must be from 8 to 256, not -4"));
  EXPECT_THAT(refusal("voronoi_fraction: 1.5"), HasSubstr("'voronoi_fraction' must be from 0 to 1, not 1.5"));
  EXPECT_THAT(refusal("object_size: 8"), HasSubstr("'semi_axis'"));
}

TEST(Recipe, RefusesATextThatIsNotAMapOfKeys) {
  EXPECT_THAT(refusal("photons: [1,"), HasSubstr("not YAML"));
  EXPECT_THAT(refusal("- photons"), HasSubstr("key: value"));
}

TEST(Recipe, KnowsWhetherPixelsCanBeHidden) {
  EXPECT_FALSE(has_masks(paper_recipe()));
  EXPECT_TRUE(has_masks(training_recipe()));
  EXPECT_TRUE(has_masks(parse_recipe("dead_fraction: 0.01")));
  EXPECT_FALSE(has_masks(parse_recipe("beam_stop: 3\nbeam_stop_probability: 0")));
}

TEST(Recipe, OfThePaperIsNoiseFreeWithCorrelatedStrongPhase) {
  EXPECT_EQ(paper_recipe().noise_free_fraction, 1);
  EXPECT_EQ(paper_recipe().voronoi_fraction, 0);
  EXPECT_EQ(paper_recipe().phase_span.max, kFullTurn);
}

}  // namespace
}  // namespace flashphase::simulate
