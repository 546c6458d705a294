#include "engine/refine/cuda/slot.h"

#include <algorithm>

namespace flashphase::refine::cuda {

void Slot::reserve(const RunnerShape& shape) {
  const auto frames = static_cast<std::size_t>(shape.frames), jobs = static_cast<std::size_t>(shape.jobs()),
             cells = shape.object_cells();
  planes_.reserve(frames * static_cast<std::size_t>(shape.planes()) * shape.pattern_cells());
  scale_.reserve(frames);
  start_.reserve(jobs * cells);
  object_.reserve_zeroed(jobs * cells);
  support_.reserve(frames * cells);
  if (shape.limited) limit_.reserve(frames * cells);
  best_support_.reserve_zeroed(jobs * cells);
  outcome_.reserve(jobs);
  last_.reserve(jobs * cells);
}

void Slot::release() {
  planes_.release();
  scale_.release();
  start_.release();
  object_.release();
  support_.release();
  limit_.release();
  best_support_.release();
  outcome_.release();
  last_.release();
  steps_.release();
}

Staging Slot::staging() const {
  return {planes_.host.span(), scale_.host.span(),  start_.host.span(),        support_.host.span(),
          limit_.host.span(),  object_.host.span(), best_support_.host.span(), outcome_.host.span()};
}

void Slot::upload(const RunnerShape& shape, int frames, const FlatSchedule& flat) {
  const auto count = static_cast<std::size_t>(frames), cells = shape.object_cells();
  planes_.upload(count * static_cast<std::size_t>(shape.planes()) * shape.pattern_cells(), stream_);
  scale_.upload(count, stream_);
  start_.upload(count * static_cast<std::size_t>(shape.per_frame) * cells, stream_);
  support_.upload(count * cells, stream_);
  if (shape.limited) limit_.upload(count * cells, stream_);
  if (flat.steps.empty()) return;
  steps_.reserve(flat.steps.size());
  std::ranges::copy(flat.steps, steps_.host.data());
  steps_.upload(flat.steps.size(), stream_);
}

StartsOnDevice Slot::on_device(const RunnerShape& shape) const {
  return {.n = shape.n,
          .per_frame = shape.per_frame,
          .planes = planes_.device.data(),
          .scale = scale_.device.data(),
          .start = start_.device.data(),
          .support = support_.device.data(),
          .limit = shape.limited ? limit_.device.data() : nullptr,
          .object = object_.device.data(),
          .best_support = best_support_.device.data(),
          .outcome = outcome_.device.data(),
          .last = last_.data()};
}

Program Slot::program(const FlatSchedule& flat) const {
  Program program = flat.program;
  program.steps = steps_.device.data();
  return program;
}

void Slot::begin_kernels() {
  at_work_ = true;
  begun_.record(stream_);
}

void Slot::end_kernels(const RunnerShape& shape, int frames) {
  ended_.record(stream_);
  const std::size_t jobs = static_cast<std::size_t>(frames) * static_cast<std::size_t>(shape.per_frame);
  object_.download(jobs * shape.object_cells(), stream_);
  best_support_.download(jobs * shape.object_cells(), stream_);
  outcome_.download(jobs, stream_);
}

double Slot::wait() {
  if (!at_work_) return 0;
  at_work_ = false;
  stream_.wait();
  return ended_.seconds_since(begun_);
}

}  // namespace flashphase::refine::cuda
