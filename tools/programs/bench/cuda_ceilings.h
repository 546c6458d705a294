#pragma once

#include <string>

namespace flashphase::tools {

/// What a GPU reaches at each of the things that a fast program is bound by. Medians of several runs, by its
/// own clock.
struct CudaCeilings {
  int cuda_runtime = 0;            ///< as CUDART_VERSION
  int cuda_driver = 0;             ///< newest CUDA that the driver supports, likewise
  double copy_bytes = 0;           ///< bytes a second read and written by a copy inside its memory
  double host_copy_bytes = 0;      ///< bytes a second from page-locked host memory
  double matrix_flops = 0;         ///< bf16 products of random 8192 x 8192 matrices, accumulated in fp32
  double fp32_flops = 0;           ///< multiply-adds (two each) outside the matrix units
  double shared_memory_bytes = 0;  ///< bytes a second read from shared memory, 16 a thread
  double launch_seconds = 0;       ///< from one empty kernel to the next in a stream
};

/// Measures them; takes some seconds and 1 GiB. Throws DeviceUnusable with one sentence when the device
/// cannot be used.
CudaCeilings measure_cuda_ceilings(int device);

}  // namespace flashphase::tools
