#include "engine/refine/loop/loop.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "engine/fft/fft2.h"
#include "engine/fft/plan.h"

namespace flashphase::refine {
namespace {

/// Work planes [m, m] without padding, for Fft2.
class PlainLoop final : public Loop {
 public:
  explicit PlainLoop(int m) : Loop(m), m_(static_cast<std::size_t>(m)), fft_(m), re_(m_ * m_), im_(m_ * m_) {}

  std::string kernel_name() const override { return "plain"; }

  ModulusSums project(const Target& target, bool wanted) override {
    fft_.forward(re_.data(), im_.data());
    ModulusSums sums;
    each_cell([&](std::size_t i, std::size_t at) {
      const float a = std::hypot(re_[i], im_[i]), b = target.modulus[at];
      if (wanted && b >= 0) {
        const auto wide_a = static_cast<double>(a), e = wide_a - static_cast<double>(b);
        sums.aa += wide_a * wide_a;
        sums.ae += wide_a * e;
        sums.ee += e * e;
      }
      float wish = b >= 0 ? b : a;
      if (target.low) wish = std::min(std::max(a, target.low[at]), target.high[at]);
      const float factor = wish / std::max(a, 1e-18f);
      re_[i] *= factor;
      im_[i] *= factor;
    });
    fft_.inverse(re_.data(), im_.data());
    return sums;
  }

  void update(const float* support, const Update& update) override {
    const auto mixed = [](Update::Mix mix, float p, float g) { return mix.p * p + mix.g * g; };
    each_cell([&](std::size_t i, std::size_t at) {
      const bool in_support = support[at] > 0;
      bool inside = in_support;
      Update::Mix outside = update.outside;
      if (update.positive) {
        inside = inside && mixed(update.test, re_[i], g_re_[at]) >= 0;
        if (in_support && re_[i] >= 0) outside = update.between;
      }
      const Update::Mix re = inside ? update.inside : outside;
      const Update::Mix im = update.real ? update.outside : re;
      re_[i] = g_re_[at] = mixed(re, re_[i], g_re_[at]);
      im_[i] = g_im_[at] = mixed(im, im_[i], g_im_[at]);
    });
  }

  void accelerate(const float* support, bool real, const Momentum& momentum) override {
    const auto advance = [&](bool keep, float& g, float& p, float& last) {
      const float x = keep ? p : 0;
      p = g = x + momentum.factor * (x - last);
      last = x;
    };
    each_cell([&](std::size_t i, std::size_t at) {
      const bool inside = support[at] > 0;
      advance(inside, g_re_[at], re_[i], momentum.re[at]);
      advance(inside && !real, g_im_[at], im_[i], momentum.im[at]);
    });
  }

  void image(float* re, float* im) override {
    each_cell([&](std::size_t i, std::size_t at) {
      re[at] = re_[i];
      im[at] = im_[i];
    });
  }

 private:
  void begin() override {
    each_cell([&](std::size_t i, std::size_t at) {
      re_[i] = g_re_[at];
      im_[i] = g_im_[at];
    });
  }

  /// `body(i, at)`: where a cell is in the work planes, and in all others.
  template <class Body>
  void each_cell(Body body) {
    const auto padded = static_cast<std::size_t>(stride());
    for (std::size_t y = 0; y < m_; ++y)
      for (std::size_t x = 0; x < m_; ++x) body(y * m_ + x, y * padded + x);
  }

  std::size_t m_;
  fft::Fft2 fft_;
  fft::AlignedFloats re_, im_;
};

}  // namespace

Loop::Loop(int m)
    : stride_(fft::padded_stride(m)),
      g_re_(static_cast<std::size_t>(m) * static_cast<std::size_t>(stride_)),
      g_im_(g_re_.size()) {}

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
