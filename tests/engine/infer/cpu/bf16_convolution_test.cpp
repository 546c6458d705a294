#include "engine/infer/cpu/bf16_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace flashphase::infer {
namespace {

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

std::uint16_t* pixel(const Bf16Slice& slice, int y, int x) {
  return slice.origin + y * slice.row + x * slice.pixel;
}

TEST(Bfloat16, IsTheNearestOneTiesToEven) {
  EXPECT_EQ(from_bf16(to_bf16(1.0f)), 1.0f);
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 1.0f / 256)), 1.0f);
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 3.0f / 256)), 1.0f + 4.0f / 256);
  EXPECT_EQ(from_bf16(to_bf16(-1.0f - 1.1f / 256)), -1.0f - 2.0f / 256);
}

struct Shape {
  int in, out, kernel, stride, edge;
};

/// A convolution with random numbers, and the same by its definition.
class Bf16ConvolutionTest : public testing::TestWithParam<Shape> {
 protected:
  Bf16ConvolutionTest()
      : shape_(GetParam()),
        weight_(random(static_cast<std::size_t>(shape_.out * shape_.in * shape_.kernel * shape_.kernel))),
        bias_(random(static_cast<std::size_t>(shape_.out))),
        from_(shape_.edge * shape_.stride, shape_.in + 4) {
    const auto values = random(static_cast<std::size_t>(from_.edge() * from_.edge() * shape_.in));
    auto value = values.begin();
    for (int y = 0; y < from_.edge(); ++y)
      for (int x = 0; x < from_.edge(); ++x)
        for (int c = 0; c < shape_.in; ++c) pixel(input(), y, x)[c] = to_bf16(*value++);
  }

  void SetUp() override {
    if (!Bf16Convolution::supported()) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  }

  /// Between channels of others.
  Bf16Slice input() const { return from_.from(2); }
  Bf16Convolution convolution() const {
    return {weight_.data(), bias_.data(), shape_.in, shape_.out, shape_.kernel, shape_.stride};
  }

  float expected(int y, int x, int channel) const {
    double sum = static_cast<double>(bias_[static_cast<std::size_t>(channel)]);
    const int k = shape_.kernel;
    for (int dy = 0; dy < k; ++dy)
      for (int dx = 0; dx < k; ++dx)
        for (int c = 0; c < shape_.in; ++c) {
          const auto w = static_cast<std::size_t>(((channel * shape_.in + c) * k + dy) * k + dx);
          sum += static_cast<double>(from_bf16(to_bf16(weight_[w]))) *
                 static_cast<double>(from_bf16(
                     pixel(input(), y * shape_.stride + dy - k / 2, x * shape_.stride + dx - k / 2)[c]));
        }
    return static_cast<float>(sum);
  }

  std::vector<float> random(std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = std::normal_distribution<float>()(generator_);
    return values;
  }

  std::mt19937 generator_{7};
  const Shape shape_;
  const std::vector<float> weight_, bias_;
  Bf16Map from_;
};

TEST_P(Bf16ConvolutionTest, EqualsItsDefinitionAndTouchesNoOtherChannel) {
  const Bf16Map to(shape_.edge, shape_.out + 3), larger(2 * shape_.edge, shape_.out);
  convolution().relu(input(), shape_.edge, to.from(1));
  convolution().relu_upsampled(input(), shape_.edge, larger.from(0));
  std::vector<float> first(static_cast<std::size_t>(shape_.edge * shape_.edge)), second(first);
  convolution().two_planes(input(), shape_.edge, first.data(), second.data());
  for (int y = 0; y < shape_.edge; ++y)
    for (int x = 0; x < shape_.edge; ++x) {
      for (int c = 0; c < shape_.out; ++c) {
        const float want = std::max(0.0f, expected(y, x, c));
        ASSERT_NEAR(from_bf16(pixel(to.from(1), y, x)[c]), want, 5e-3f * want + 1e-4f)
            << y << ' ' << x << ' ' << c;
        for (int corner = 0; corner < 4; ++corner)
          ASSERT_EQ(pixel(larger.from(0), 2 * y + corner / 2, 2 * x + corner % 2)[c],
                    pixel(to.from(1), y, x)[c]);
      }
      ASSERT_EQ(pixel(to.from(0), y, x)[0], 0);
      ASSERT_EQ(pixel(to.from(0), y, x)[shape_.out + 1], 0);
      const auto i = static_cast<std::size_t>(y * shape_.edge + x);
      ASSERT_NEAR(first[i], expected(y, x, 0), 1e-3f);
      ASSERT_NEAR(second[i], expected(y, x, 1), 1e-3f);
    }
}

std::string name_of(const testing::TestParamInfo<Shape>& shape) {
  const Shape& s = shape.param;
  return "From" + std::to_string(s.in) + "To" + std::to_string(s.out) + "By" + std::to_string(s.kernel) +
         "Stride" + std::to_string(s.stride);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Bf16ConvolutionTest,
                         testing::Values(Shape{20, 16, 3, 1, 8}, Shape{16, 32, 3, 2, 4},
                                         Shape{6, 20, 3, 1, 5}, Shape{64, 32, 1, 1, 4}, Shape{4, 2, 3, 1, 1}),
                         name_of);

}  // namespace
}  // namespace flashphase::infer
