#pragma once

#include <memory>

namespace flashphase::fft {

/// One transform of a fixed size; see Fft2 for layout and scale.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// `re`, `im`: [m, m] 64-byte aligned. Forward transform, unscaled.
  virtual void forward(float* re, float* im) = 0;
  /// Inverse transform divided by m^2.
  virtual void inverse(float* re, float* im) = 0;
};

/// Vector kernels, one source compiled per instruction set; null for sizes they do not have.
std::unique_ptr<Kernel> make_kernel_avx512(int m);
std::unique_ptr<Kernel> make_kernel_avx2(int m);
std::unique_ptr<Kernel> make_kernel_baseline(int m);

/// Any size: Bluestein's chirp-z algorithm in double precision (Bluestein, IEEE Trans. Audio Electroacoust.
/// 18, 451, 1970).
std::unique_ptr<Kernel> make_kernel_any_size(int m);

}  // namespace flashphase::fft
