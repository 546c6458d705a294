#include "engine/frame/layout.h"

#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>

namespace flashphase {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

void expect_refused(const std::vector<Module>& modules, const std::string& sentence) {
  EXPECT_THAT([&] { Layout(8, 8, modules); }, ThrowsMessage<std::invalid_argument>(HasSubstr(sentence)));
}

constexpr Module kWhole{.height = 8, .width = 8, .stride_y = 8};

TEST(Layout, TellsHowManyPixelsThereHaveToBe) {
  EXPECT_EQ(Layout(8, 8, {kWhole}).extent(), 64u);
  EXPECT_EQ(Layout(8, 8, {{.height = 2, .width = 3, .offset = 5, .stride_y = 10, .stride_x = 2}}).extent(),
            20u);
  const Layout mirrored(8, 8, {{.height = 8, .width = 8, .offset = 63, .stride_y = -8, .stride_x = -1}});
  EXPECT_EQ(mirrored.extent(), 64u);
}

TEST(Layout, TellsWhereTheRowsOfAnImageLie) {
  const Layout layout(8, 8,
                      {{.y = 0, .height = 2, .width = 8, .offset = 100, .stride_y = 8},
                       {.y = 4, .height = 4, .width = 8, .offset = 31, .stride_y = -8}});
  EXPECT_EQ(layout.extent_of(0, 1).first, 100u);
  EXPECT_EQ(layout.extent_of(0, 1).last, 108u);
  EXPECT_EQ(layout.extent_of(2, 4).first, layout.extent_of(2, 4).last) << "a gap";
  EXPECT_EQ(layout.extent_of(5, 7).first, 15u);
  EXPECT_EQ(layout.extent_of(5, 7).last, 31u);
  EXPECT_EQ(layout.extent_of(0, 8).first, 7u);
  EXPECT_EQ(layout.extent_of(0, 8).last, 116u);
  EXPECT_EQ(layout.at_row(1).size(), 1u);
  EXPECT_TRUE(layout.at_row(3).empty());
}

TEST(Layout, RefusesModulesThatDoNotFit) {
  expect_refused({}, "an image has one module at least");
  expect_refused({{.height = 0, .width = 4}}, "module 0 has no pixels");
  expect_refused({kWhole, {.y = 7, .x = 7, .height = 1, .width = 1}}, "module 1 lies on module 0");
  expect_refused({{.y = 4, .height = 5, .width = 1}}, "module 0 lies beyond the image");
  expect_refused({{.x = -1, .height = 1, .width = 1}}, "module 0 lies beyond the image");
  expect_refused({{.y = std::numeric_limits<int>::max(), .height = 2, .width = 1}}, "beyond the image");
  expect_refused({{.height = 2, .width = 2, .stride_y = -8}},
                 "module 0 begins before the first pixel in memory");
  for (const std::int64_t huge : {std::numeric_limits<std::int64_t>::max() / 70000, std::int64_t{1} << 41}) {
    expect_refused({{.height = 2, .width = 2, .stride_y = huge}}, "that no memory holds");
    expect_refused({{.height = 2, .width = 2, .stride_y = 8, .stride_x = -huge}}, "that no memory holds");
  }
  expect_refused({{.height = 1, .width = 1, .offset = std::int64_t{1} << 50}}, "that no memory holds");
  EXPECT_THROW(Layout(0, 8, {kWhole}), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase
