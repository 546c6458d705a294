#define FLASHPHASE_LANES 16
#define FLASHPHASE_MAKE_LOOP make_loop_avx512
#include "engine/refine/loop/vector_loop.inc"
