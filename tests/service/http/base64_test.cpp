#include "service/http/base64.h"

#include <gtest/gtest.h>

#include <span>

namespace flashphase::http {
namespace {

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
