#include "trainer/report/subject.h"

#include <algorithm>
#include <ctime>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/dataset/patterns.h"
#include "engine/device/cores.h"
#include "engine/device/share_out.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/starts/network_starts.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "engine/simulate/random.h"

namespace flashphase::trainer::report {
namespace {

constexpr std::size_t kBatch = 16;

void append(const ObjectBatch& more, ObjectBatch& all) {
  all.count += more.count;
  all.size = more.size;
  all.object.insert(all.object.end(), more.object.begin(), more.object.end());
  all.support.insert(all.support.end(), more.support.begin(), more.support.end());
  all.residual.insert(all.residual.end(), more.residual.begin(), more.residual.end());
}

}  // namespace

Subject::Subject(const std::string& model, int iterations)
    : network_(make_network(model)),
      solver_(refine::make_explaining_solver(refine::make_cpu_solver({.cores = usable_cores()}),
                                             {.iterations = iterations})),
      score_(network_->info().pattern_size) {}

Outcome Subject::operator()(const Dataset& data, const std::string& schedule) {
  const bool alone = schedule == "none";
  refine::NetworkStarts starts_of({.per_frame = schedule == "explain" ? 4 : 8}, network_.get());
  const refine::Schedule steps = refine::parse_schedule(schedule);
  Outcome outcome{schedule, {}, {}, 0};
  ObjectBatch answers;
  refine::Refined refined;
  const auto count = static_cast<std::size_t>(data.count);
  for (std::size_t first = 0; first < count; first += kBatch) {
    const Dataset some = part_of(data, first, std::min(kBatch, count - first));
    const PatternBatch patterns = patterns_of(some);
    const double begin = cpu_seconds();
    network_->infer(patterns, answers);
    score_(patterns, answers);
    if (!alone) solver_->solve(patterns, starts_of(patterns, answers), steps, refined);
    outcome.seconds += (cpu_seconds() - begin) / static_cast<double>(count);
    const ObjectBatch& objects = alone ? answers : refined.objects;
    if (data.object_size > 0) judge(objects, some, outcome.samples);
    append(objects, outcome.objects);
  }
  return outcome;
}

Dataset part_of(const Dataset& data, std::size_t first, std::size_t count) {
  const auto cut = [&](const auto& values, std::size_t cells) {
    if (values.empty()) return values;
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first * cells);
    return std::decay_t<decltype(values)>(begin, begin + static_cast<std::ptrdiff_t>(count * cells));
  };
  Dataset part;
  part.count = static_cast<int>(count);
  part.pattern_size = data.pattern_size;
  part.object_size = data.object_size;
  part.patterns = cut(data.patterns, data.pattern_cells());
  part.objects = cut(data.objects, data.object_cells());
  part.mask = data.mask_per_pattern ? cut(data.mask, data.pattern_cells()) : data.mask;
  part.mask_per_pattern = data.mask_per_pattern;
  return part;
}

Dataset simulated(const simulate::Recipe& recipe, std::size_t count, std::uint64_t seed) {
  struct Worker {
    simulate::ParticleSimulator particles;
    simulate::DetectorSimulator detector;
  };
  const int threads = usable_cores();
  std::vector<Worker> workers;
  for (int i = 0; i < threads; ++i)
    workers.push_back({simulate::ParticleSimulator(recipe), simulate::DetectorSimulator(recipe)});
  Dataset set;
  set.count = static_cast<int>(count);
  set.object_size = recipe.object_size;
  set.pattern_size = 2 * recipe.object_size;
  set.mask_per_pattern = true;
  set.recipe = simulate::to_yaml(recipe);
  set.patterns.resize(count * set.pattern_cells());
  set.mask.resize(count * set.pattern_cells());
  set.objects.resize(count * set.object_cells());
  share_out(threads, set.count, [&](int worker, int i) {
    const auto at = static_cast<std::size_t>(i);
    Worker& own = workers[static_cast<std::size_t>(worker)];
    const std::uint64_t element = simulate::element_seed(seed, at);
    const std::span object(set.objects.data() + at * set.object_cells(), set.object_cells());
    own.particles.object(element, object);
    const auto exposure = own.detector.pattern(
        object, element, {set.patterns.data() + at * set.pattern_cells(), set.pattern_cells()},
        {set.mask.data() + at * set.pattern_cells(), set.pattern_cells()});
    simulate::apply_offset(object, set.object_size, exposure.offset_y, exposure.offset_x);
  });
  return set;
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace flashphase::trainer::report
