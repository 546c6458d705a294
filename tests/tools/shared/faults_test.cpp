#include "tools/shared/faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace flashphase::tools {
namespace {

struct Sample {
  std::vector<float> image = std::vector<float>(64 * 64, 3.0f);
  std::vector<std::byte> storage;
  WireFrame frame{1, 2, 3, 64, 64, wire_dtype(PixelType::f32), std::as_bytes(std::span<const float>(image))};

  std::vector<float> pixels() const {
    std::vector<float> values(frame.pixels.size() / sizeof(float));
    std::memcpy(values.data(), frame.pixels.data(), frame.pixels.size());
    return values;
  }
};

TEST(Faults, TruncatedAndOversizedFramesKeepTheirHeader) {
  Sample shorter, longer;
  corrupt(Fault::truncated, shorter.frame, shorter.storage);
  corrupt(Fault::oversized, longer.frame, longer.storage);
  EXPECT_EQ(shorter.frame.rows, 64u);
  EXPECT_EQ(longer.frame.rows, 64u);
  EXPECT_LT(shorter.frame.pixels.size(), sizeof(float) * 64 * 64);
  EXPECT_GT(longer.frame.pixels.size(), sizeof(float) * 64 * 64);
}

TEST(Faults, AWrongShapeIsConsistentWithItsPixels) {
  Sample sample;
  corrupt(Fault::wrong_shape, sample.frame, sample.storage);
  EXPECT_EQ(sample.frame.rows, 32u);
  EXPECT_EQ(sample.frame.pixels.size(), sizeof(float) * 32 * 64);
}

TEST(Faults, PixelFaultsFillTheWholeFrame) {
  for (const Fault fault : {Fault::nan, Fault::negative, Fault::all_zero}) {
    Sample sample;
    corrupt(fault, sample.frame, sample.storage);
    const std::vector<float> pixels = sample.pixels();
    ASSERT_EQ(pixels.size(), 64u * 64u);
    EXPECT_TRUE(std::ranges::all_of(pixels, [fault](float value) {
      return fault == Fault::nan ? std::isnan(value) : fault == Fault::negative ? value < 0 : value == 0;
    })) << fault_name(fault);
  }
}

TEST(Faults, NoDtypeHasTheNumberOfAWrongDtype) {
  Sample sample;
  corrupt(Fault::wrong_dtype, sample.frame, sample.storage);
  for (const PixelType type : {PixelType::u8, PixelType::u16, PixelType::u32, PixelType::i16, PixelType::i32,
                               PixelType::f32, PixelType::f64})
    EXPECT_NE(sample.frame.dtype, wire_dtype(type));
}

TEST(FaultPlan, DrawsEachFaultWithItsProbability) {
  FaultPlan plan;
  plan.add("nan=0.25");
  plan.add("gap=0.5");
  simulate::Random random(1, 2);
  std::array<int, kFaultCount> count{};
  int none = 0;
  for (int i = 0; i < 10000; ++i) {
    if (const auto fault = plan.draw(random))
      ++count[static_cast<std::size_t>(*fault)];
    else
      ++none;
  }
  EXPECT_NEAR(count[static_cast<std::size_t>(Fault::nan)], 2500, 200);
  EXPECT_NEAR(count[static_cast<std::size_t>(Fault::gap)], 5000, 200);
  EXPECT_EQ(none + std::accumulate(count.begin(), count.end(), 0), 10000);
}

TEST(FaultPlan, RefusesUnknownNamesAndProbabilitiesThatDoNotAddUp) {
  FaultPlan plan;
  for (const char* text : {"", "nan", "nan=", "nan=x", "nan=1.5", "nan=-0.1", "nam=0.1"})
    EXPECT_THROW(plan.add(text), std::invalid_argument) << text;
  plan.add("nan=0.6");
  EXPECT_THROW(plan.add("gap=0.6"), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::tools
