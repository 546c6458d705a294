#include "service/http/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace flashphase::http {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.begin_object().member("a", 1).key("b").begin_object().end_object().key("c").begin_object();
  json.member("d", true)
      .member("e", std::uint64_t{18446744073709551615u})
      .end_object()
      .member("f", 0.5)
      .key("g")
      .null();
  json.end_object();
  EXPECT_EQ(json.take(), R"({"a":1,"b":{},"c":{"d":true,"e":18446744073709551615},"f":0.5,"g":null})");
}

TEST(JsonWriter, WritesIdsAsTextThatLosesNoDigit) {
  JsonWriter json;
  json.begin_object().id("run", 9223372036854775809u).id("train", 9007199254740993u).end_object();
  EXPECT_EQ(json.take(), R"({"run":"9223372036854775809","train":"9007199254740993"})");
}

TEST(JsonWriter, EscapesText) {
  JsonWriter json;
  json.value("a\"b\\c\n\x01\x1f ");
  EXPECT_EQ(json.take(), R"("a\"b\\c\u000a\u0001\u001f ")");
}

TEST(JsonWriter, EscapesKeysToo) {
  JsonWriter json;
  json.begin_object().member("a \"peer\"\t", 1).end_object();
  EXPECT_EQ(json.take(), R"({"a \"peer\"\u0009":1})");
}

TEST(JsonWriter, HasNoNumberForWhatIsNone) {
  JsonWriter json;
  json.begin_object().member("x", std::numeric_limits<double>::quiet_NaN());
  json.member("y", std::numeric_limits<double>::infinity()).end_object();
  EXPECT_EQ(json.take(), R"({"x":null,"y":null})");
}

TEST(Base64, IsThatOfRfc4648) {
  const auto encoded = [](const std::string& text) { return base64(std::as_bytes(std::span(text))); };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xff\xfe\xfb"), "//77");
}

}  // namespace
}  // namespace flashphase::http
