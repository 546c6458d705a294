#define FLASHPHASE_LANES 4
#define FLASHPHASE_FFT_MAKE make_kernel_baseline
#include "engine/fft/vector_kernel.inc"
