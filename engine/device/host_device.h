#pragma once

/// FLASHPHASE_HD marks a function that runs on the host and, where nvcc compiles it, on the device too: the
/// same arithmetic in both places, tested on the host. FLASHPHASE_DEVICE marks one that nvcc compiles for the
/// device alone and other compilers for the host: bodies of kernels, which the tests run in an emulated
/// block. FLASHPHASE_UNROLL stands before a loop whose arrays are to stay in registers, FLASHPHASE_NO_UNROLL
/// before one that would take too many. FLASHPHASE_FMA(a, b, c) is a * b + c, one instruction on the device.
#ifdef __CUDACC__
#define FLASHPHASE_HD __host__ __device__ __forceinline__
#define FLASHPHASE_DEVICE __device__ __forceinline__
#define FLASHPHASE_UNROLL _Pragma("unroll")
#define FLASHPHASE_NO_UNROLL _Pragma("unroll 1")
#define FLASHPHASE_FMA(a, b, c) __fmaf_rn(a, b, c)
#else
#define FLASHPHASE_HD inline
#define FLASHPHASE_DEVICE inline
#define FLASHPHASE_UNROLL
#define FLASHPHASE_NO_UNROLL
#define FLASHPHASE_FMA(a, b, c) ((a) * (b) + (c))
#endif
