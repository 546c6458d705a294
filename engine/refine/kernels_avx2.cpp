#define FLASHPHASE_KERNELS kernels_avx2
#include "engine/refine/kernels.inc"
