#include "engine/frame/valid_range.h"

#include <gtest/gtest.h>

#include <cmath>

namespace flashphase {
namespace {

TEST(ValidRange, LeavesOutWhatDetectorsMarkPixelsWith) {
  EXPECT_FALSE(default_range(PixelType::u16).contains(65535));
  EXPECT_FALSE(default_range(PixelType::u16).contains(65534));
  EXPECT_FALSE(default_range(PixelType::u32).contains(static_cast<float>(4294967295u)));
  EXPECT_FALSE(default_range(PixelType::u32).contains(static_cast<float>(4294967294u)));
  EXPECT_FALSE(default_range(PixelType::u8).contains(255));
  for (const PixelType type : {PixelType::i16, PixelType::i32}) {
    EXPECT_FALSE(default_range(type).contains(-1));
    EXPECT_FALSE(default_range(type).contains(-2));
  }
  EXPECT_FALSE(default_range(PixelType::i16).contains(32767));
  EXPECT_FALSE(default_range(PixelType::i32).contains(static_cast<float>(2147483647)));
  EXPECT_FALSE(default_range(PixelType::i32).contains(static_cast<float>(-2147483647 - 1)));
}

TEST(ValidRange, KeepsCounts) {
  EXPECT_TRUE(default_range(PixelType::u8).contains(254));
  EXPECT_TRUE(default_range(PixelType::u16).contains(65533));
  EXPECT_TRUE(default_range(PixelType::i16).contains(32766));
  EXPECT_TRUE(default_range(PixelType::u32).contains(4e9f));
  for (const PixelType type : {PixelType::u8, PixelType::u16, PixelType::u32, PixelType::i16, PixelType::i32})
    EXPECT_TRUE(default_range(type).contains(0));
}

TEST(ValidRange, OfFloatsIsWhateverIsANumber) {
  for (const PixelType type : {PixelType::f32, PixelType::f64}) {
    EXPECT_TRUE(default_range(type).contains(-1.5f));
    EXPECT_TRUE(default_range(type).contains(1e30f));
    EXPECT_FALSE(default_range(type).contains(std::nanf("")));
  }
}

}  // namespace
}  // namespace flashphase
