#include "engine/refine/loop/loop.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/fft/fft2.h"

namespace flashphase::refine {
namespace {

class PlainLoop final : public Loop {
 public:
  explicit PlainLoop(int m) : Loop(m), fft_(m), cells_(g_re_.size()), re_(cells_), im_(cells_) {}

  ModulusSums project(const Target& target, bool wanted) override {
    fft_.forward(re_.data(), im_.data());
    ModulusSums sums;
    for (std::size_t i = 0; i < cells_; ++i) {
      const float a = std::hypot(re_[i], im_[i]), b = target.modulus[i];
      if (wanted && b >= 0) {
        const auto wide_a = static_cast<double>(a), e = wide_a - static_cast<double>(b);
        sums.aa += wide_a * wide_a;
        sums.ae += wide_a * e;
        sums.ee += e * e;
      }
      float wish = b >= 0 ? b : a;
      if (target.low) wish = std::min(std::max(a, target.low[i]), target.high[i]);
      const float factor = wish / std::max(a, 1e-18f);
      re_[i] *= factor;
      im_[i] *= factor;
    }
    fft_.inverse(re_.data(), im_.data());
    return sums;
  }

  void update(const float* support, const Update& update) override {
    const auto mixed = [](Update::Mix mix, float p, float g) { return mix.p * p + mix.g * g; };
    for (std::size_t i = 0; i < cells_; ++i) {
      const bool in_support = support[i] > 0;
      bool inside = in_support;
      Update::Mix outside = update.outside;
      if (update.positive) {
        inside = inside && mixed(update.test, re_[i], g_re_[i]) >= 0;
        if (in_support && re_[i] >= 0) outside = update.between;
      }
      g_re_[i] = mixed(inside ? update.inside : outside, re_[i], g_re_[i]);
      g_im_[i] = mixed(update.real ? update.outside : inside ? update.inside : outside, im_[i], g_im_[i]);
      re_[i] = g_re_[i];
      im_[i] = g_im_[i];
    }
  }

  void accelerate(const float* support, bool real, const Momentum& momentum) override {
    const auto advance = [&](std::size_t i, bool keep, float& g, float& p, float* last) {
      const float x = keep ? p : 0;
      p = g = x + momentum.factor * (x - last[i]);
      last[i] = x;
    };
    for (std::size_t i = 0; i < cells_; ++i) {
      const bool inside = support[i] > 0;
      advance(i, inside, g_re_[i], re_[i], momentum.re);
      advance(i, inside && !real, g_im_[i], im_[i], momentum.im);
    }
  }

  void image(float* re, float* im) override {
    std::copy_n(re_.data(), cells_, re);
    std::copy_n(im_.data(), cells_, im);
  }

 private:
  void begin() override {
    std::copy_n(g_re_.data(), cells_, re_.data());
    std::copy_n(g_im_.data(), cells_, im_.data());
  }

  fft::Fft2 fft_;
  std::size_t cells_;
  fft::AlignedFloats re_, im_;
};

}  // namespace

Loop::Loop(int m) : g_re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(m)), g_im_(g_re_.size()) {}

Loop::~Loop() = default;

std::unique_ptr<Loop> make_plain_loop(int m) {
  return std::make_unique<PlainLoop>(m);
}

std::unique_ptr<Loop> make_loop(int m) {
  const std::string_view name = fft::instruction_set();
  auto loop = name == "avx512" ? make_loop_avx512(m)
              : name == "avx2" ? make_loop_avx2(m)
                               : make_loop_baseline(m);
  return loop ? std::move(loop) : make_plain_loop(m);
}

}  // namespace flashphase::refine
