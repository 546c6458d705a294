#define FLASHPHASE_LANES 8
#define FLASHPHASE_FFT_MAKE make_kernel_avx2
#include "engine/fft/vector_kernel.inc"
