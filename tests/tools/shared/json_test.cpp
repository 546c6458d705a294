#include "tools/shared/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace flashphase::tools {
namespace {

TEST(JsonObject, KeepsKeysInOrderAndNestsObjects) {
  JsonObject inner, outer;
  inner.add("a", 1).add("b", true);
  outer.add("name", "x")
      .add("inner", inner)
      .add("list", std::vector<JsonObject>{inner, JsonObject()})
      .add("half", 0.5);
  EXPECT_EQ(outer.text(), R"({"name":"x","inner":{"a":1,"b":true},"list":[{"a":1,"b":true},{}],"half":0.5})");
}

TEST(JsonObject, EscapesQuotesBackslashesAndControlCharacters) {
  JsonObject object;
  object.add("k\"", "a\\b\"c\n");
  EXPECT_EQ(object.text(), R"({"k\"":"a\\b\"c\u000a"})");
}

TEST(JsonObject, WritesIdsAsTextThatLosesNoDigit) {
  JsonObject object;
  object.add_id("run", 9223372036854775809u).add_id("train", 9007199254740993u);
  EXPECT_EQ(object.text(), R"({"run":"9223372036854775809","train":"9007199254740993"})");
}

TEST(JsonObject, WritesWhatIsNotFiniteAsNull) {
  JsonObject object;
  object.add("nan", std::numeric_limits<double>::quiet_NaN())
      .add("inf", std::numeric_limits<double>::infinity());
  EXPECT_EQ(object.text(), R"({"nan":null,"inf":null})");
}

}  // namespace
}  // namespace flashphase::tools
