#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace flashphase::fft {

/// Two-dimensional complex FFT of one fixed square size on split planes (real and imaginary part apart),
/// single precision, in place. Forward is unscaled with the sign exp(-2 pi i k x / m), inverse is divided by
/// m^2.
///
/// Fourier space is left TRANSPOSED: forward puts coefficient (ky, kx) at [kx, ky], inverse takes it from
/// there; a forward-inverse pair is the identity. Loops that only multiply by a modulus keep the modulus
/// transposed instead of paying for two transpositions. Zero of Q stays at [0, 0] (no shifts).
///
/// Any m >= 1 is accepted. From 16 on, vector kernels chosen for the CPU at construction do it: by passes of
/// the factors of m, the fastest where these are 2, 3, 5 and 7, or by a convolution where a prime factor is
/// large (Bluestein, two to four times slower). Below 16 the definition does.
///
/// Thread: one instance per thread (it owns scratch memory). No allocation after construction.
class Fft2 {
 public:
  explicit Fft2(int m);  ///< Throws std::invalid_argument for m < 1.
  ~Fft2();
  Fft2(Fft2&&) noexcept;
  Fft2& operator=(Fft2&&) noexcept;

  int size() const;
  /// What does the work: "avx2 radix 8x4x3", "avx2 bluestein 216", "plain".
  std::string kernel_name() const;

  /// `re` and `im`: [m, m] each, 64-byte aligned (see AlignedFloats).
  void forward(float* re, float* im);
  void inverse(float* re, float* im);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A 64-byte aligned, zero-initialised float buffer.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t count);
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  float& operator[](std::size_t i) { return data_.get()[i]; }
  float operator[](std::size_t i) const { return data_.get()[i]; }
  std::size_t size() const { return count_; }
  std::span<float> span() { return {data_.get(), count_}; }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> data_;
  std::size_t count_ = 0;
};

/// The name of the instruction set the vector kernels run in on this CPU: "avx512", "avx2" or "baseline".
const char* instruction_set();

}  // namespace flashphase::fft
