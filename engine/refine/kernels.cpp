#include "engine/refine/kernels.h"

#include <string_view>

#include "engine/fft/fft2.h"

namespace flashphase::refine {

Kernels make_kernels() {
  const std::string_view name = fft::instruction_set();
  if (name == "avx512") return kernels_avx512();
  if (name == "avx2") return kernels_avx2();
  return kernels_baseline();
}

}  // namespace flashphase::refine
