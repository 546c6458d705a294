#pragma once

#include <chrono>
#include <cstddef>

namespace flashphase::service {

enum class RefinePolicy { off, all, above_residual };

/// Threads, queues and choices of the pipeline.
struct PipelineConfig {
  bool replay = false;  ///< true: a full pipeline makes the source wait; false: the oldest frame is dropped
  std::size_t ingest_queue = 4096;
  int preprocess_threads = 1;
  std::size_t batch_size = 16;
  std::chrono::microseconds batch_deadline{2000};
  int infer_workers = 1;
  RefinePolicy refine_policy = RefinePolicy::off;
  float refine_residual = 0.005f;  ///< with above_residual: refined when the inferred residual exceeds this
  std::size_t refine_queue = 256;
  int refine_workers = 1;
};

}  // namespace flashphase::service
