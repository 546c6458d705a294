#pragma once

#include <chrono>
#include <cstddef>

#include "engine/refine/explain/explain.h"

namespace flashphase::service {

enum class RefinePolicy { off, all, above_residual, above_noise, until_explained };

/// Threads, queues and choices of the pipeline.
struct PipelineConfig {
  std::size_t ingest_queue = 4096;          ///< frames between ingest and preprocess
  std::size_t ingest_bytes = 1024'000'000;  ///< ... and no more bytes of pixels than these
  int preprocess_threads = 1;
  std::size_t batch_size = 16;
  std::chrono::microseconds batch_deadline{2000};
  int infer_workers = 1;  ///< of each device
  RefinePolicy refine_policy = RefinePolicy::off;
  float refine_residual = 0.005f;  ///< with above_residual: refined when the inferred residual exceeds this
  float refine_noise_factor =
      2.0f;                    ///< with above_noise: ... exceeds so many times what noise explains of it
  int refine_budget = 24'000;  ///< with until_explained: iterations of a frame
  int refine_starts = 1;       ///< per frame
  std::size_t refine_queue = 256;
  int refine_workers = 0;        ///< 0 = what the cores allow (cores.h), one of each GPU
  std::size_t refine_batch = 0;  ///< most frames in one call of a solver; 0 = 1 on the CPU, 256 on a GPU
};

/// With until_explained. Patterns are in photons, whole numbers or not, unless their noise is not to be
/// looked at.
inline refine::ExplainOptions explain_options(const PipelineConfig& config) {
  return {.noise = config.refine_noise_factor,
          .photons = config.refine_noise_factor > 0,
          .iterations = config.refine_budget};
}

}  // namespace flashphase::service
