#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/fft/fft2.h"

namespace flashphase::refine {

/// What the Fourier coefficients are projected on, as planes [m, m] of the loop's stride (see Loop) in Fft2's
/// Fourier layout. Coefficients that are not measured have a modulus of -1.
struct Target {
  const float* modulus = nullptr;
  /// With bounds, |F| moves to the nearest value in [low, high], and `modulus` serves the sums alone. Both or
  /// none.
  const float* low = nullptr;
  const float* high = nullptr;
};

/// With a = |F| of the iterate and b the measured modulus, over measured coefficients, e = a - b.
struct ModulusSums {
  double aa = 0;
  double ae = 0;
  double ee = 0;
};

/// The new iterate from the projected P and the old g: per pixel one of three linear combinations.
struct Update {
  struct Mix {
    float p = 0;
    float g = 0;

    bool operator==(const Mix&) const = default;
  };

  Mix inside{1, 0};
  Mix outside{0, 0};
  /// Pixels inside the support count as outside where Re(test.p P + test.g g) < 0 ...
  bool positive = false;
  Mix test{1, 0};
  /// ... and take this instead of `outside` where Re P >= 0 all the same (of use to CHIO alone).
  Mix between{0, 0};
  /// The imaginary part counts as outside everywhere.
  bool real = false;

  bool is_plain() const { return inside == Mix{1, 0} && !positive && !real; }
};

/// Planes [m, m] of the loop's stride that an accelerated update keeps its last x in, and how far it goes on.
struct Momentum {
  float* re = nullptr;
  float* im = nullptr;
  float factor = 0;
};

/// The arithmetic of iterations on g, [m, m] in two planes, which it owns, values finite:
///   edit(), then any number of { project(), then update(), accelerate() or edit() }.
/// All planes, its own and those it is given, are 64-byte aligned and have stride() floats from row to row,
/// those beyond m zero: AlignedFloats(cells()) is one. Thread: one. No allocation after construction.
class Loop {
 public:
  /// g for whoever changes it. The loop takes g as it is when this goes out of scope; until then only re(),
  /// im() and image() may be called.
  class Edit {
   public:
    ~Edit() { loop_.begin(); }
    Edit(const Edit&) = delete;
    Edit& operator=(const Edit&) = delete;

    float* const re;
    float* const im;

   private:
    friend Loop;
    explicit Edit(Loop& loop) : re(loop.g_re_.data()), im(loop.g_im_.data()), loop_(loop) {}

    Loop& loop_;
  };

  /// g is zero.
  explicit Loop(int m);
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  int stride() const { return stride_; }
  /// Floats of a plane: m stride().
  std::size_t cells() const { return g_re_.size(); }
  /// What does the transforms: "avx2 radix 8x4x3", "avx2 bluestein 216", "plain".
  virtual std::string kernel_name() const = 0;

  const float* re() const { return g_re_.data(); }
  const float* im() const { return g_im_.data(); }
  [[nodiscard]] Edit edit() { return Edit(*this); }
  /// Replaces the modulus of F g; P = F^-1 of that. Gives the sums of F g as it was where asked for, else
  /// zeros.
  virtual ModulusSums project(const Target& target, bool sums) = 0;
  /// g = update(P, g). `support` is 1 inside, 0 outside.
  virtual void update(const float* support, const Update& update) = 0;
  /// The update of ER, x = P inside the support (`real`: without its imaginary part), then gone on beyond:
  /// g = x + factor (x - last x). Keeps x.
  virtual void accelerate(const float* support, bool real, const Momentum& momentum) = 0;
  /// Writes P, whose place may be g, in place of update(); an edit must follow.
  virtual void image(float* re, float* im) = 0;

 private:
  const int stride_;

 protected:
  fft::AlignedFloats g_re_, g_im_;

 private:
  virtual void begin() = 0;
};

/// Any size, with Fft2 and plain loops: what the others are tested against.
std::unique_ptr<Loop> make_plain_loop(int m);

/// One source compiled per instruction set; null below 16.
std::unique_ptr<Loop> make_loop_avx512(int m);
std::unique_ptr<Loop> make_loop_avx2(int m);
std::unique_ptr<Loop> make_loop_baseline(int m);

/// The fastest for this size on this CPU.
std::unique_ptr<Loop> make_loop(int m);

}  // namespace flashphase::refine
