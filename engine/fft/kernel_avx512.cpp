#define FLASHPHASE_LANES 16
#define FLASHPHASE_FFT_MAKE make_kernel_avx512
#include "engine/fft/vector_kernel.inc"
