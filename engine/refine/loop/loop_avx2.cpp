#define FLASHPHASE_LANES 8
#define FLASHPHASE_MAKE_LOOP make_loop_avx2
#include "engine/refine/loop/vector_loop.inc"
