#include "service/pipeline/stages.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/device/range.h"
#include "engine/refine/explain/explain.h"
#include "engine/score/autocorrelation.h"
#include "engine/score/noise.h"
#include "engine/score/remarks.h"
#include "service/pipeline/reconstruct.h"

namespace flashphase::service {

namespace {

const Prepared& of(const Prepared& item) {
  return item;
}
const RefineJob& of(const RefineJob& item) {
  return item;
}
const RefineJob& of(const RefineJob* item) {
  return *item;
}

/// The patterns of `items` side by side.
template <class Items>
void collect(const Items& items, PatternBatch& batch) {
  batch.count = static_cast<int>(items.size());
  batch.size = of(items.front()).pattern->size;
  batch.intensity.clear();
  batch.measured.clear();
  for (const auto& item : items) {
    const Pattern& pattern = *of(item).pattern;
    batch.intensity.insert(batch.intensity.end(), pattern.intensity.begin(), pattern.intensity.end());
    batch.measured.insert(batch.measured.end(), pattern.measured.begin(), pattern.measured.end());
  }
}

/// The network's answers side by side.
template <class Jobs>
void collect_answers(const Jobs& jobs, ObjectBatch& answers) {
  answers.count = static_cast<int>(jobs.size());
  answers.size = of(jobs.front()).start.size;
  answers.object.clear();
  for (const auto& job : jobs)
    answers.object.insert(answers.object.end(), of(job).start.object.begin(), of(job).start.object.end());
}

void say(Reconstruction& result, Outcome outcome) {
  result.explained = outcome == Outcome::explained;
  result.outcome = outcome;
}

void name_model(Reconstruction& result, const std::shared_ptr<const ModelInfo>& model) {
  const Pattern& pattern = *result.pattern;
  result.model = model;
  result.remarks = model->domain.remarks_on(pattern.summary);
  result.remarks.add(score::remarks_on(pattern.intensity, pattern.measured, result.support, result.residual,
                                       result.noise_residual));
}

}  // namespace

Preparation::Preparation(select::HitFinder select, preprocess::Preprocessor preprocess)
    : select_(std::move(select)), preprocess_(std::move(preprocess)) {}

Result<Prepared> Preparation::operator()(const Frame& frame, Clock::time_point taken) const {
  if (const auto reason = preprocess_.problem_of(frame)) return *reason;
  preprocess::PhotonReader pixels = preprocess_.reader(frame);
  std::optional<preprocess::CentreOfMass> centre;
  const auto score = named(Stage::select, [&]() -> Result<float> {
    if (!preprocess_.needs_centre_of_mass()) return select_(pixels);
    if (const auto reason = pixels.open()) return *reason;
    return select_(pixels, &centre.emplace(pixels));
  });
  if (!score) return score.error();
  const auto selected = Clock::now();
  auto pattern =
      named(Stage::preprocess, [&] { return preprocess_(frame, pixels, centre ? &*centre : nullptr); });
  if (!pattern) return pattern.error();
  pattern->noise_residual = score::noise_residual(pattern->intensity, pattern->measured);
  thread_local score::Autocorrelation autocorrelation(pattern->size);
  if (autocorrelation.size() != pattern->size) autocorrelation = score::Autocorrelation(pattern->size);
  pattern->summary.overflow = score::overflow(pattern->intensity, pattern->measured, autocorrelation);
  const auto ready = Clock::now();
  pattern->hit_score = *score;
  pattern->times[Stage::ingest] = seconds_between(frame.arrival, taken);
  pattern->times[Stage::select] = seconds_between(taken, selected);
  pattern->times[Stage::preprocess] = seconds_between(selected, ready);
  return Prepared{std::make_shared<const Pattern>(std::move(*pattern)), ready};
}

Inference::Inference(Network& network, std::shared_ptr<const ModelInfo> model)
    : network_(network), model_(std::move(model)), score_(network.info().pattern_size) {}

void Inference::submit(std::vector<Prepared> batch) {
  const auto submitted = Clock::now();
  named(Stage::batch, [&] { service::collect(batch, patterns_); });
  named(Stage::infer, [&] { network_.submit(patterns_); });
  open_.push_back({std::move(batch), submitted});
}

std::vector<std::unique_ptr<Reconstruction>> Inference::collect() {
  const Open open = std::move(open_.front());
  open_.pop_front();
  named(Stage::infer, [&] { network_.collect(objects_); });
  const auto inferred = Clock::now();
  const Range range(Stage::score);
  score(open.batch);
  const auto scored = Clock::now();

  std::vector<std::unique_ptr<Reconstruction>> results;
  results.reserve(open.batch.size());
  for (const auto& [pattern, ready] : open.batch) {
    auto& result =
        results.emplace_back(make_reconstruction(pattern, objects_, static_cast<int>(results.size())));
    result->times[Stage::batch] = seconds_between(ready, open.submitted);
    result->times[Stage::infer] = seconds_between(open.submitted, inferred);
    result->times[Stage::score] = seconds_between(inferred, scored);
    name_model(*result, model_);
  }
  return results;
}

/// Only what the network has left to score: on a GPU it does that itself.
void Inference::score(const std::vector<Prepared>& batch) {
  for (int i = 0; i < objects_.count; ++i) {
    const Pattern& pattern = *batch[static_cast<std::size_t>(i)].pattern;
    if (float& residual = objects_.residual[static_cast<std::size_t>(i)]; residual < 0)
      residual = score_(pattern.intensity, pattern.measured, objects_.object_of(i), objects_.size);
  }
}

ObjectBatch Inference::object(int index) const {
  ObjectBatch one(1, objects_.size);
  std::ranges::copy(objects_.object_of(index), one.object.begin());
  std::ranges::copy(objects_.support_of(index), one.support.begin());
  one.residual[0] = objects_.residual[static_cast<std::size_t>(index)];
  return one;
}

Refinement::Refinement(refine::Solver& solver, const refine::Schedule& schedule, int starts, Network* viewer)
    : solver_(solver),
      climber_(refine::make_climber(solver)),
      schedule_(schedule),
      starts_of_({.per_frame = starts}, viewer) {}

std::vector<std::unique_ptr<Reconstruction>> Refinement::operator()(std::span<const RefineJob> jobs) {
  const Range range(Stage::refine);
  collect(jobs, patterns_);
  collect_answers(jobs, answers_);
  solver_.solve(patterns_, starts_of_(patterns_, answers_), schedule_, refined_);
  const std::size_t rings = static_cast<std::size_t>(patterns_.size) / 2 + 1;
  std::vector<std::unique_ptr<Reconstruction>> results;
  results.reserve(jobs.size());
  for (const RefineJob& job : jobs) {
    const std::size_t index = results.size();
    auto& result = results.emplace_back(result_of(job, refined_.objects, static_cast<int>(index)));
    result->round = 1;
    result->iterations = refined_.iterations.at(index);
    result->schedule = schedule_.text;
    if (!refined_.agreement.empty() && !std::isnan(refined_.agreement.at(index))) {
      result->agreement = refined_.agreement.at(index);
      const auto prtf = std::span(refined_.prtf).subspan(index * rings, rings);
      result->prtf.assign(prtf.begin(), prtf.end());
    }
    if (!refined_.outcomes.empty()) say(*result, refined_.outcomes.at(index));
  }
  return results;
}

std::unique_ptr<Reconstruction> Refinement::result_of(const RefineJob& job, const ObjectBatch& objects,
                                                      int index) const {
  auto result = make_reconstruction(job.pattern, objects, index);
  result->stage = ResultStage::refined;
  result->times = job.times;
  result->times[Stage::refine] = seconds_between(job.asked, Clock::now());
  name_model(*result, job.model);
  return result;
}

std::vector<std::unique_ptr<Reconstruction>> Refinement::round(std::span<RefineJob> jobs,
                                                               const refine::ExplainOptions& options) {
  const Range range(Stage::refine);
  begin(jobs, options);
  std::vector<refine::Effort*> efforts;
  std::vector<float> before;
  for (const RefineJob& job : jobs) {
    efforts.push_back(job.effort.get());
    before.push_back(job.effort->best().residual);
  }
  refine::Effort::next_round(solver_, climber_ ? *climber_ : solver_, efforts);
  std::vector<std::unique_ptr<Reconstruction>> results;
  results.reserve(jobs.size());
  for (RefineJob& job : jobs) {
    ++job.rounds;
    const refine::Effort& effort = *job.effort;
    auto& result = results.emplace_back();
    if (!effort.done() && effort.best().residual >= before[results.size() - 1]) continue;
    ObjectBatch best(1, job.start.size);
    effort.give(best.object_of(0), best.support_of(0));
    best.residual[0] = effort.best().residual;
    result = result_of(job, best, 0);
    result->round = job.rounds;
    result->iterations = effort.iterations();
    result->schedule = "explain";
    if (effort.done()) {
      say(*result, effort.outcome());
      if (const auto& confidence = effort.confidence()) {
        result->agreement = confidence->agreement;
        result->prtf = confidence->prtf;
      }
    } else {
      result->explained = effort.excess() <= 1;
    }
  }
  return results;
}

/// With the network's answer as the best so far.
void Refinement::begin(std::span<RefineJob> jobs, const refine::ExplainOptions& options) {
  std::vector<RefineJob*> fresh;
  for (RefineJob& job : jobs)
    if (!job.effort) fresh.push_back(&job);
  if (fresh.empty()) return;
  collect(fresh, patterns_);
  collect_answers(fresh, answers_);
  const refine::Starts starts = starts_of_(patterns_, answers_);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    RefineJob& job = *fresh[i];
    const Pattern& pattern = *job.pattern;
    job.effort = std::make_unique<refine::Effort>(pattern.size, pattern.intensity, pattern.measured,
                                                  starts.of_frame(static_cast<int>(i)), options);
    job.effort->begin_with(
        {std::move(job.start.object), std::move(job.start.support), job.start.residual[0]});
  }
}

}  // namespace flashphase::service
