#define FLASHPHASE_KERNELS kernels_avx512
#include "engine/refine/kernels.inc"
