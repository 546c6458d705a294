#define FLASHPHASE_LANES 4
#define FLASHPHASE_MAKE_LOOP make_loop_baseline
#include "engine/refine/loop/vector_loop.inc"
