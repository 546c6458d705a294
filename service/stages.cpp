#include "service/stages.h"

#include <algorithm>
#include <utility>

#include "service/reconstruct.h"

namespace flashphase::service {

namespace {

float seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<float>(to - from).count();
}

void name_model(Reconstruction& result, const ModelInfo& model) {
  result.model_name = model.name;
  result.model_hash = model.hash;
  result.in_domain = model.domain.contains(*result.pattern);
}

}  // namespace

Preparation::Preparation(select::HitFinder select, preprocess::Preprocessor preprocess)
    : select_(std::move(select)), preprocess_(std::move(preprocess)) {}

Result<Prepared> Preparation::operator()(const Frame& frame, Clock::time_point taken) const {
  const auto score = select_(frame);
  if (!score) return score.error();
  const auto selected = Clock::now();
  auto pattern = preprocess_(frame);
  if (!pattern) return pattern.error();
  const auto ready = Clock::now();
  pattern->hit_score = *score;
  pattern->times[Stage::ingest] = seconds_between(frame.arrival, taken);
  pattern->times[Stage::select] = seconds_between(taken, selected);
  pattern->times[Stage::preprocess] = seconds_between(selected, ready);
  return Prepared{std::make_shared<const Pattern>(std::move(*pattern)), ready};
}

Inference::Inference(Network& network) : network_(network), score_(network.info().pattern_size) {}

std::vector<std::unique_ptr<Reconstruction>> Inference::operator()(const std::vector<Prepared>& batch) {
  const auto collected = Clock::now();
  patterns_.count = static_cast<int>(batch.size());
  patterns_.size = network_.info().pattern_size;
  patterns_.intensity.clear();
  patterns_.measured.clear();
  for (const auto& [pattern, ready] : batch) {
    patterns_.intensity.insert(patterns_.intensity.end(), pattern->intensity.begin(),
                               pattern->intensity.end());
    patterns_.measured.insert(patterns_.measured.end(), pattern->measured.begin(), pattern->measured.end());
  }
  network_.infer(patterns_, objects_);
  const auto inferred = Clock::now();
  score_(patterns_, objects_);
  const auto scored = Clock::now();

  std::vector<std::unique_ptr<Reconstruction>> results;
  results.reserve(batch.size());
  for (const auto& [pattern, ready] : batch) {
    auto& result =
        results.emplace_back(make_reconstruction(pattern, objects_, static_cast<int>(results.size())));
    result->times[Stage::batch] = seconds_between(ready, collected);
    result->times[Stage::infer] = seconds_between(collected, inferred);
    result->times[Stage::score] = seconds_between(inferred, scored);
    name_model(*result, network_.info());
  }
  return results;
}

ObjectBatch Inference::object(int index) const {
  ObjectBatch one(1, objects_.size);
  std::ranges::copy(objects_.object_of(index), one.object.begin());
  std::ranges::copy(objects_.support_of(index), one.support.begin());
  one.residual[0] = objects_.residual[static_cast<std::size_t>(index)];
  return one;
}

Refinement::Refinement(refine::Solver& solver, const refine::Schedule& schedule, const ModelInfo& model)
    : solver_(solver), schedule_(schedule), model_(model) {}

std::unique_ptr<Reconstruction> Refinement::operator()(const RefineJob& job) {
  pattern_.count = 1;
  pattern_.size = job.pattern->size;
  pattern_.intensity = job.pattern->intensity;
  pattern_.measured = job.pattern->measured;
  solver_.solve(pattern_, refine::starts_from(job.start), schedule_, refined_);
  auto result = make_reconstruction(job.pattern, refined_.objects, 0);
  result->stage = ResultStage::refined;
  result->times = job.times;
  result->times[Stage::refine] = seconds_between(job.asked, Clock::now());
  result->iterations = refined_.iterations.at(0);
  result->schedule = schedule_.text;
  name_model(*result, model_);
  return result;
}

}  // namespace flashphase::service
