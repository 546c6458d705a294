#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/batch/batcher.h"
#include "service/pipeline/edges.h"
#include "service/pipeline/model_slot.h"
#include "service/pipeline/pipeline_config.h"
#include "service/pipeline/queue.h"
#include "service/pipeline/refine_pool.h"
#include "service/pipeline/rejections.h"

namespace flashphase::service {

/// batch, infer, score: takes what is prepared from one queue, passes each result on to publish and, where
/// the policy asks for it, to refine. A result that is not finite is a rejection. Thread: one, which run()
/// keeps until the queue before it is drained.
class InferWorker {
 public:
  /// All references have to outlive it. `index`: of its networks among those of the slot's models.
  InferWorker(const ModelSlot& models, std::size_t index, const PipelineConfig& config, Metrics& metrics,
              Rejections& rejections, Queue<ToInfer>& from, Queue<ToPublish>& publish, RefinePool& refine);

  void run();

 private:
  void take(ToInfer item);
  /// Takes the network of the model that is in the slot now, once all that was begun is delivered.
  void follow_model();
  Network& network() const { return *model_->networks.workers[index_]; }
  void infer(std::vector<Prepared> batch);
  /// Passes on what has come of the batch that was begun first.
  void deliver();
  void deliver_all();
  void pass_on(std::unique_ptr<Reconstruction> result, int index);
  void look_whether_explained(Reconstruction& inferred) const;
  bool to_be_refined(const Reconstruction& inferred) const;

  const PipelineConfig& config_;
  Metrics& metrics_;
  Rejections& rejections_;
  Queue<ToInfer>& queue_;
  Queue<ToInfer>::Consumer from_;
  Queue<ToPublish>& publish_;
  RefinePool& refine_;
  const ModelSlot& models_;
  const std::size_t index_;
  std::shared_ptr<const ModelSlot::Model> model_;
  std::optional<Inference> inference_;  // with the network of model_
  batch::Batcher<Prepared> batcher_;
  InHand in_hand_;
  std::uint64_t out_of_memory_ = 0;  // of this network, told to the metrics
};

}  // namespace flashphase::service
