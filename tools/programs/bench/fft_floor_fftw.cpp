#include <fftw3.h>

#include <mutex>

#include "tools/programs/bench/fft_floor.h"

namespace flashphase::tools {
namespace {

std::mutex planner;  // FFTW plans from one thread at a time

}  // namespace

struct FftFloor::Impl {
  std::size_t cells;
  fftwf_complex* data;
  fftwf_plan forward, inverse;
};

FftFloor::FftFloor(int size) : impl_(std::make_unique<Impl>()) {
  const std::lock_guard lock(planner);
  impl_->cells = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  impl_->data = fftwf_alloc_complex(impl_->cells);
  impl_->forward = fftwf_plan_dft_2d(size, size, impl_->data, impl_->data, FFTW_FORWARD, FFTW_MEASURE);
  impl_->inverse = fftwf_plan_dft_2d(size, size, impl_->data, impl_->data, FFTW_BACKWARD, FFTW_MEASURE);
  for (std::size_t i = 0; i < impl_->cells; ++i)
    impl_->data[i][0] = impl_->data[i][1] = 0;  // unscaled pairs would overflow
}

FftFloor::~FftFloor() {
  const std::lock_guard lock(planner);
  fftwf_destroy_plan(impl_->forward);
  fftwf_destroy_plan(impl_->inverse);
  fftwf_free(impl_->data);
}

void FftFloor::forward_and_inverse() {
  fftwf_execute(impl_->forward);
  fftwf_execute(impl_->inverse);
}

const char* FftFloor::name() {
  return "fftw 3 float, measured plans";
}

}  // namespace flashphase::tools
