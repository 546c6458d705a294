#include "engine/fft/fft2.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "engine/fft/kernel.h"

namespace flashphase::fft {
namespace {

constexpr std::align_val_t kAlignment{64};

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

std::unique_ptr<Kernel> make_kernel(int m) {
  if (m < 1) throw std::invalid_argument("FFT size must be at least 1, not " + std::to_string(m));
  std::unique_ptr<Kernel> kernel;
  if (has_avx512()) {
    kernel = make_kernel_avx512(m);
  } else if (has_avx2()) {
    kernel = make_kernel_avx2(m);
  } else {
    kernel = make_kernel_baseline(m);
  }
  return kernel ? std::move(kernel) : make_plain_kernel(m);
}

}  // namespace

struct Fft2::Impl {
  int m;
  std::unique_ptr<Kernel> kernel;
};

Fft2::Fft2(int m) : impl_(std::make_unique<Impl>(Impl{m, make_kernel(m)})) {}
Fft2::~Fft2() = default;
Fft2::Fft2(Fft2&&) noexcept = default;
Fft2& Fft2::operator=(Fft2&&) noexcept = default;

int Fft2::size() const {
  return impl_->m;
}
void Fft2::forward(float* re, float* im) {
  impl_->kernel->forward(re, im);
}
void Fft2::inverse(float* re, float* im) {
  impl_->kernel->inverse(re, im);
}

std::string Fft2::kernel_name() const {
  return impl_->kernel->name();
}

AlignedFloats::AlignedFloats(std::size_t count)
    : data_(
          static_cast<float*>(::operator new[](std::max<std::size_t>(count, 1) * sizeof(float), kAlignment))),
      count_(count) {
  std::fill_n(data_.get(), count, 0.0f);
}

void AlignedFloats::Free::operator()(float* p) const {
  ::operator delete[](p, kAlignment);
}

const char* instruction_set() {
  return has_avx512() ? "avx512" : has_avx2() ? "avx2" : "baseline";
}

}  // namespace flashphase::fft
