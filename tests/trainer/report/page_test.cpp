#include "trainer/report/page.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <limits>
#include <string>

#include "trainer/report/png.h"

namespace flashphase::trainer::report {
namespace {

Page small_page() {
  Section section{"loss", "Loss & <more>", "by `a \"b\"`"};
  section.tables.push_back(
      {"Rows", {"what", "value"}, {{"a\\b", 0.25}, {"none", std::numeric_limits<double>::quiet_NaN()}}});
  section.plots.push_back(
      {"Falls", "x", "y", true, true, {{"series", {1, 10, 100}, {1, 0.1, 0}, {0.5, 0.05, 0}, {2, 0.2, 0}}}});
  section.galleries.push_back({"Images", {"first"}, {{"amplitude", {{2, {0, 1, 128, 255}}}}}});
  return {"A page", "", {section}};
}

TEST(Json, HoldsEveryNumberOfThePage) {
  const YAML::Node page = YAML::Load(to_json(small_page()));  // JSON is YAML
  const YAML::Node section = page["loss"];
  EXPECT_EQ(section["title"].as<std::string>(), "Loss & <more>");
  EXPECT_EQ(section["text"].as<std::string>(), "by `a \"b\"`");
  EXPECT_EQ(section["tables"][0]["rows"][0][0].as<std::string>(), "a\\b");
  EXPECT_EQ(section["tables"][0]["rows"][0][1].as<double>(), 0.25);
  EXPECT_TRUE(section["tables"][0]["rows"][1][1].IsNull());
  EXPECT_EQ(section["plots"][0]["series"][0]["high"][1].as<double>(), 0.2);
  EXPECT_EQ(section["galleries"][0]["rows"][0].as<std::string>(), "amplitude");
}

TEST(Html, NeedsNothingBesideIt) {
  const std::string html = to_html(small_page());
  for (const char* outside : {"http", "<link", "<script", "url(", "@import"})
    EXPECT_EQ(html.find(outside), std::string::npos) << outside;
  for (std::size_t at = html.find("src="); at != std::string::npos; at = html.find("src=", at + 1))
    EXPECT_EQ(html.substr(at + 5, 5), "data:");
  EXPECT_NE(html.find("Loss &amp; &lt;more&gt;"), std::string::npos);
  EXPECT_NE(html.find("<code>a &quot;b&quot;</code>"), std::string::npos);
}

TEST(Svg, LeavesOutWhatALogarithmCannotShow) {
  const std::string svg = to_svg(small_page().sections[0].plots[0]);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  std::size_t points = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1))
    ++points;
  EXPECT_EQ(points, 2u);
}

TEST(Svg, DrawsAPlotWithoutValues) {
  EXPECT_EQ(to_svg({"Nothing", "x", "y", true, true, {{"series", {}, {}}}}).find("nan"), std::string::npos);
}

TEST(ShortNumber, HasThreeDigitsAndKeepsWholeNumbers) {
  EXPECT_EQ(short_number(0.000351519), "0.000352");
  EXPECT_EQ(short_number(1.23456e-7), "1.23e-7");
  EXPECT_EQ(short_number(142500), "142500");
  EXPECT_EQ(short_number(100000), "1e5");
}

// Header and pixels as Python's zlib and struct write them.
TEST(Png, IsWhatAnotherWriterMakes) {
  const std::string uri = to_data_uri({2, {0, 1, 128, 255}});
  EXPECT_TRUE(uri.starts_with("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAMAAABFaP0W")) << uri;
  EXPECT_TRUE(uri.ends_with("ABFJREFUeAEBBgD5/wAAAQCA/wIJAYHhXLvnAAAAAElFTkSuQmCC")) << uri;
}

}  // namespace
}  // namespace flashphase::trainer::report
