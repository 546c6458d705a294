#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/batch/batcher.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/pipeline_config.h"
#include "service/pipeline/queue.h"
#include "service/pipeline/rejections.h"

namespace flashphase::service {

/// batch, infer, score: takes what is prepared from one queue, passes each result on to publish and, where
/// the policy asks for it, to refine. A result that is not finite is a rejection. Thread: one, which run()
/// keeps until the queue before it is drained.
class InferWorker {
 public:
  /// All references have to outlive it.
  InferWorker(Network& network, const PipelineConfig& config, Metrics& metrics, Rejections& rejections,
              Queue<ToInfer>& from, Queue<ToPublish>& publish, Queue<RefineJob>& refine);

  void run();

 private:
  void take(ToInfer item);
  void infer(std::vector<Prepared> batch);
  /// Passes on what has come of the batch that was begun first.
  void deliver();
  void deliver_all();
  void pass_on(std::unique_ptr<Reconstruction> result, int index);
  bool to_be_refined(const Reconstruction& inferred) const;

  const PipelineConfig& config_;
  Metrics& metrics_;
  Rejections& rejections_;
  Queue<ToInfer>& from_;
  Queue<ToPublish>& publish_;
  Queue<RefineJob>& refine_;
  Network& network_;
  Inference inference_;
  batch::Batcher<Prepared> batcher_;
  InHand in_hand_;
  std::uint64_t out_of_memory_ = 0;  // told to the metrics
};

}  // namespace flashphase::service
