#include "engine/fft/fft2.h"
#include "tools/programs/bench/fft_floor.h"

namespace flashphase::tools {

struct FftFloor::Impl {
  fft::Fft2 fft;
  fft::AlignedFloats re, im;
};

FftFloor::FftFloor(int size) {
  const std::size_t cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  impl_ = std::make_unique<Impl>(Impl{fft::Fft2(size), fft::AlignedFloats(cells), fft::AlignedFloats(cells)});
}

FftFloor::~FftFloor() = default;

void FftFloor::forward_and_inverse() {
  impl_->fft.forward(impl_->re.data(), impl_->im.data());
  impl_->fft.inverse(impl_->re.data(), impl_->im.data());
}

const char* FftFloor::name() {
  return "own (FFTW is not installed)";
}

}  // namespace flashphase::tools
