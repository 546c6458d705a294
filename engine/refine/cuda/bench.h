#pragma once

namespace flashphase::refine {

/// What bounds an iteration of the batched path: one forward and one inverse cuFFT of `planes` m x m planes
/// in place, on random values. Gives pairs of transforms of one plane per second, by CUDA events around
/// `repetitions` pairs after a few to warm up. Throws as make_cuda_solver.
double cuda_fft_floor(int device, int m, int planes, int repetitions);

}  // namespace flashphase::refine
