#define FLASHPHASE_KERNELS kernels_baseline
#include "engine/refine/kernels.inc"
