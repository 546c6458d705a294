#include "engine/simulate/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

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
  Recipe odd = shipped_recipe("training");
  odd.object_size = 24;
  odd.photons = {1234.567f, 3.3333333e7f};
  odd.edge_sigma = {0.1f + 0.2f, 0.7f};
  odd.saturation = 65535;
  for (const Recipe& recipe : {Recipe{}, shipped_recipe("paper"), shipped_recipe("training"), odd})
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

TEST(Recipe, RefusesAKeyThatIsThereTwice) {
  EXPECT_THAT(refusal("photons: 5\nphotons: 6"), HasSubstr("'photons' is there twice"));
}

TEST(Recipe, RefusesWhatHidesThePattern) {
  EXPECT_THAT(refusal("object_size: 16\nsemi_axis: [2, 5]\nbeam_stop: [0, 17]"), HasSubstr("'beam_stop'"));
  EXPECT_THAT(refusal("object_size: 16\nsemi_axis: [2, 5]\ngap_probability: 0.1\ngap_width: [1, 17]"),
              HasSubstr("'gap_width'"));
}

TEST(Recipe, RefusesATextThatIsNotAMapOfKeys) {
  EXPECT_THAT(refusal("photons: [1,"), HasSubstr("not YAML"));
  EXPECT_THAT(refusal("- photons"), HasSubstr("key: value"));
}

TEST(Recipe, KnowsWhetherPixelsCanBeHidden) {
  EXPECT_FALSE(has_masks(shipped_recipe("paper")));
  EXPECT_TRUE(has_masks(shipped_recipe("training")));
  EXPECT_TRUE(has_masks(parse_recipe("dead_fraction: 0.01")));
  EXPECT_FALSE(has_masks(parse_recipe("beam_stop: 3\nbeam_stop_probability: 0")));
}

TEST(Recipe, IsShippedForThePaperTheTrainingFlashesAndCrystals) {
  std::vector<std::string> names;
  for (const auto& [name, text] : shipped_recipes()) {
    names.push_back(name);
    EXPECT_EQ(load_recipe(name), parse_recipe(text));
  }
  EXPECT_THAT(names, testing::ElementsAre("bcdi", "paper", "training", "xfel"));
  Recipe paper;
  paper.voronoi_fraction = 0;
  EXPECT_EQ(shipped_recipe("paper"), paper);
  EXPECT_EQ(shipped_recipe("training").phase_span, (Range{0, kFullTurn}));
  EXPECT_EQ(shipped_recipe("xfel").photons, (Range{1e3f, 1e6f}));
  EXPECT_EQ(shipped_recipe("xfel").noise_free_fraction, 0);
  EXPECT_TRUE(has_masks(shipped_recipe("xfel")));
  EXPECT_EQ(shipped_recipe("bcdi").photons, (Range{1e4f, 1e8f}));
  EXPECT_EQ(shipped_recipe("bcdi").beam_stop_probability, 0);
}

TEST(Recipe, ThatIsNoneIsRefusedWithTheNamesThereAre) {
  for (const char* name : {"papper", "/nowhere/recipe.yaml", "/"}) {
    try {
      load_recipe(name);
      ADD_FAILURE() << name;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("bcdi, paper, training, xfel"));
    }
  }
  EXPECT_THROW(shipped_recipe("/"), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::simulate
