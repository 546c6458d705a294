#include "proto/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace flashphase {
namespace {

TEST(JsonObject, KeepsKeysInOrderAndNestsObjects) {
  JsonObject inner, outer;
  inner.add("a", 1).add("b", true);
  outer.add("name", "x")
      .add("inner", inner)
      .add("empty", JsonObject())
      .add("list", std::vector<JsonObject>{inner, JsonObject()})
      .add("count", std::numeric_limits<std::uint64_t>::max())
      .add("half", 0.5);
  EXPECT_EQ(outer.text(), R"({"name":"x","inner":{"a":1,"b":true},"empty":{},"list":[{"a":1,"b":true},{}],)"
                          R"("count":18446744073709551615,"half":0.5})");
}

TEST(JsonObject, EscapesQuotesBackslashesAndControlCharactersInKeysAndText) {
  JsonObject object;
  object.add("a \"peer\"\t", "a\"b\\c\n\x01\x1f ");
  EXPECT_EQ(object.text(), R"({"a \"peer\"\u0009":"a\"b\\c\u000a\u0001\u001f "})");
}

TEST(JsonObject, LeavesBytesBeyondAsciiAsTheyAre) {
  JsonObject object;
  object.add("name", "caf\xc3\xa9");
  EXPECT_EQ(object.text(), "{\"name\":\"caf\xc3\xa9\"}");
}

TEST(JsonObject, WritesIdsAsTextThatLosesNoDigit) {
  JsonObject object;
  object.add_id("run", 9223372036854775809u).add_id("train", 9007199254740993u);
  EXPECT_EQ(object.text(), R"({"run":"9223372036854775809","train":"9007199254740993"})");
}

TEST(JsonObject, WritesNumbersThatKeepEveryFloat) {
  JsonObject object;
  object.add("x", static_cast<double>(std::numeric_limits<float>::epsilon())).add("y", 1e6).add("z", -2.25);
  EXPECT_EQ(object.text(), R"({"x":1.1920929e-07,"y":1000000,"z":-2.25})");
  EXPECT_EQ(std::stof("1.1920929e-07"), std::numeric_limits<float>::epsilon());
}

TEST(JsonObject, WritesWhatIsNotFiniteAsNull) {
  JsonObject object;
  object.add("nan", std::numeric_limits<double>::quiet_NaN())
      .add("inf", std::numeric_limits<double>::infinity());
  EXPECT_EQ(object.text(), R"({"nan":null,"inf":null})");
}

}  // namespace
}  // namespace flashphase
