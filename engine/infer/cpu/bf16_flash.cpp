#include "engine/infer/cpu/bf16_flash.h"

#include <algorithm>
#include <cstddef>

#include "engine/infer/features.h"

namespace flashphase::infer {
namespace {

constexpr int kLevels = 4;

/// float32 [edge, edge, channels] into the map.
void copy_in(const float* values, int edge, int channels, const Bf16Slice& to) {
  for (int y = 0; y < edge; ++y)
    for (int x = 0; x < edge; ++x) {
      std::uint16_t* pixel = to.origin + y * to.row + x * to.pixel;
      for (int c = 0; c < channels; ++c) pixel[c] = to_bf16(*values++);
    }
}

/// Two planes into two neighbouring channels.
void copy_in(const float* first, const float* second, int edge, const Bf16Slice& to) {
  for (int y = 0; y < edge; ++y)
    for (int x = 0; x < edge; ++x) {
      std::uint16_t* pixel = to.origin + y * to.row + x * to.pixel;
      pixel[0] = to_bf16(*first++);
      pixel[1] = to_bf16(*second++);
    }
}

}  // namespace

bool Bf16Flash::supports(const FlashOptions& options) {
  return Bf16Convolution::supported() && options.channels % 2 == 0 && options.physics_channels % 2 == 0;
}

Bf16Convolution Bf16Flash::convolution(const std::string& name, int in, int out, int stride,
                                       int kernel) const {
  const auto values = [&](const std::string& part) {
    return std::ranges::find(checkpoint_->tensors, name + part, &NamedTensor::name)->values.data();
  };
  return {values(".weight"), values(".bias"), in, out, kernel, stride};
}

Bf16Flash::Bf16Flash(const Checkpoint& checkpoint, const FlashOptions& options)
    : checkpoint_(&checkpoint),
      options_(options),
      projection_(options.pattern_size, options.object_size),
      features_(options.object_size, kFeatureChannels),
      bottom_(options.object_size >> (kLevels - 1), options.channels << (kLevels - 1)),
      head_(convolution("head", options.channels, 2)),
      seen_(options.object_size, 4 + options.channels),
      hidden_first_(options.object_size, options.physics_channels),
      hidden_second_(options.object_size, options.physics_channels),
      projected_(2 * static_cast<std::size_t>(options.object_size * options.object_size)),
      correction_(projected_.size()) {
  const int grid = options.object_size, c = options.channels, p = options.physics_channels;
  int in = kFeatureChannels;
  for (int level = 0; level < kLevels; ++level) {
    const int out = c << level;
    const std::string name = "down" + std::to_string(level);
    down_.push_back({convolution(name + "a", in, out, level == 0 ? 1 : 2), convolution(name + "b", out, out),
                     Bf16Map(grid >> level, out)});
    if (level < kLevels - 1) joined_.emplace_back(grid >> level, 2 * out);
    in = out;
  }
  for (int level = kLevels - 2; level >= 0; --level) {
    const int out = c << level;
    const std::string name = "up" + std::to_string(level);
    up_.push_back({convolution(name + "a", 2 * out, out, 1, 1), convolution(name + "b", 2 * out, out),
                   Bf16Map(grid >> level, out)});
  }
  for (int i = 0; i < options.physics_layers; ++i) {
    const std::string name = "physics" + std::to_string(i);
    physics_.push_back(
        {convolution(name + "a", 4 + c, p), convolution(name + "b", p, p), convolution(name + "c", p, 2)});
  }
  checkpoint_ = nullptr;
}

void Bf16Flash::operator()(const float* features, const float* modulus, const std::uint8_t* measured,
                           float* re, float* im) {
  const int n = options_.object_size;
  const std::size_t cells = projected_.size() / 2;
  unet(features, re, im);
  float *projected_re = projected_.data(), *projected_im = projected_re + cells;
  float *correction_re = correction_.data(), *correction_im = correction_re + cells;
  for (const Physics& layer : physics_) {
    projection_.project(re, im, modulus, measured, projected_re, projected_im, nullptr, nullptr);
    copy_in(re, im, n, seen_.from(0));
    copy_in(projected_re, projected_im, n, seen_.from(2));
    layer.first.relu(seen_.from(0), n, hidden_first_.from(0));
    layer.second.relu(hidden_first_.from(0), n, hidden_second_.from(0));
    layer.third.two_planes(hidden_second_.from(0), n, correction_re, correction_im);
    for (std::size_t i = 0; i < cells; ++i) {
      re[i] = projected_re[i] + correction_re[i];
      im[i] = projected_im[i] + correction_im[i];
    }
  }
}

/// Leaves its last features in seen_.
void Bf16Flash::unet(const float* features, float* re, float* im) {
  const int n = options_.object_size, c = options_.channels;
  copy_in(features, n, kFeatureChannels, features_.from(0));
  Bf16Slice x = features_.from(0);
  for (int level = 0; level < kLevels; ++level) {
    Level& down = down_[static_cast<std::size_t>(level)];
    const Bf16Slice out =
        level < kLevels - 1 ? joined_[static_cast<std::size_t>(level)].from(c << level) : bottom_.from(0);
    down.first.relu(x, n >> level, down.between.from(0));
    down.second.relu(down.between.from(0), n >> level, out);
    x = out;
  }
  for (int level = kLevels - 2; level >= 0; --level) {
    const Level& up = up_[static_cast<std::size_t>(kLevels - 2 - level)];
    const Bf16Map& joined = joined_[static_cast<std::size_t>(level)];
    // The 1x1 convolution runs before the upsampling: the same result for a quarter of the work.
    up.first.relu_upsampled(x, n >> (level + 1), joined.from(0));
    x = level > 0 ? up.between.from(0) : seen_.from(4);
    up.second.relu(joined.from(0), n >> level, x);
  }
  head_.two_planes(x, n, re, im);
}

}  // namespace flashphase::infer
