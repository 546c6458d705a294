#pragma once

#include <memory>
#include <string>

namespace flashphase::fft {

/// One transform of a fixed size; see Fft2 for layout and scale.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// `re`, `im`: [m, m] 64-byte aligned. Forward transform, unscaled.
  virtual void forward(float* re, float* im) = 0;
  /// Inverse transform divided by m^2.
  virtual void inverse(float* re, float* im) = 0;
  /// See Fft2::kernel_name().
  virtual std::string name() const = 0;
};

/// Vector kernels, one source compiled per instruction set; null below 16.
std::unique_ptr<Kernel> make_kernel_avx512(int m);
std::unique_ptr<Kernel> make_kernel_avx2(int m);
std::unique_ptr<Kernel> make_kernel_baseline(int m);

/// Any size, by the definition in double precision: for the sizes that the others do not have, and their
/// tests.
std::unique_ptr<Kernel> make_plain_kernel(int m);

}  // namespace flashphase::fft
