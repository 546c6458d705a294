#include "service/pipeline/model_slot.h"

#include <stdexcept>
#include <utility>

namespace flashphase::service {

namespace {

std::shared_ptr<ModelSlot::Model> model_of(Networks networks) {
  if (networks.workers.empty()) throw std::invalid_argument("the pipeline needs a network");
  const Network& first = *networks.workers.front();
  auto info = std::make_shared<const ModelInfo>(first.info());
  std::string precision = first.precision();
  return std::make_shared<ModelSlot::Model>(
      ModelSlot::Model{std::move(networks), std::move(info), std::move(precision), 0});
}

std::string sizes_of(const ModelInfo& model) {
  return model.name + " makes " + std::to_string(model.object_size) + " pixels of " +
         std::to_string(model.pattern_size);
}

}  // namespace

ModelSlot::ModelSlot(Networks first) : current_(model_of(std::move(first))) {}

std::shared_ptr<const ModelSlot::Model> ModelSlot::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

void ModelSlot::replace(Networks next) {
  auto model = model_of(std::move(next));
  std::shared_ptr<const Model> before;  // goes after the lock
  const std::lock_guard lock(mutex_);
  const Model& now = *current_;
  if (model->info->pattern_size != now.info->pattern_size ||
      model->info->object_size != now.info->object_size)
    throw std::invalid_argument(sizes_of(*model->info) +
                                ", not as the running model: " + sizes_of(*now.info));
  if (model->networks.workers.size() != now.networks.workers.size())
    throw std::invalid_argument("the pipeline needs a network for each of its workers");
  model->generation = now.generation + 1;
  before = std::exchange(current_, std::move(model));
  generation_.store(current_->generation, std::memory_order_release);
}

}  // namespace flashphase::service
