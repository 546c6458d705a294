#include <algorithm>
#include <array>
#include <complex>
#include <optional>
#include <span>

#include "engine/dataset/patterns.h"
#include "engine/device/cores.h"
#include "engine/device/share_out.h"
#include "engine/refine/schedule.h"
#include "engine/score/score.h"
#include "engine/simulate/random.h"
#include "trainer/report/course.h"
#include "trainer/report/pictures.h"
#include "trainer/report/sections.h"
#include "trainer/report/statistics.h"

namespace flashphase::trainer::report {
namespace {

constexpr int kEvery = 50;  // a round of the schedule: HIO leaves light outside the support, ER takes it away
constexpr std::array<const char*, 4> kStarts{"random phase, square support", "random phase, learned support",
                                             "learned phase and support", "nearest neighbour"};
using Courses = std::array<Course, kStarts.size()>;
using Object = std::span<const std::complex<float>>;

/// What the starts of one frame are made of.
struct Frame {
  Object learned, neighbour;
  std::span<const std::uint8_t> learned_support, neighbour_support;
};

std::vector<std::complex<float>> random_object(std::span<const std::uint8_t> support, std::uint64_t seed,
                                               int n) {
  refine::Starts starts;
  starts.per_frame = 0;
  starts.size = n;
  starts.support.assign(support.begin(), support.end());
  refine::add_random_starts(starts, 1, seed);
  return starts.object;
}

Courses courses_of(const Frame& frame, std::span<const float> intensity,
                   std::span<const std::uint8_t> measured, std::uint64_t seed, int n, bool pictures,
                   CourseMaker& make) {
  const refine::Schedule schedule = refine::parse_schedule("paper");
  const std::vector<std::uint8_t> square(frame.learned.size(), std::uint8_t{1});
  const auto go = [&](Object start, std::span<const std::uint8_t> support) {
    return make(intensity, measured, start, support, schedule, kEvery, pictures);
  };
  return {go(random_object(square, seed, n), square),
          go(random_object(frame.learned_support, seed, n), frame.learned_support),
          go(frame.learned, frame.learned_support), go(frame.neighbour, frame.neighbour_support)};
}

/// Quartiles over the frames, at each time.
Series band_of(const char* name, const std::vector<Courses>& courses, std::size_t start) {
  Series band{name, {}, {}};
  const std::size_t times = courses.front()[start].chi2.size();
  std::vector<double> values(courses.size());
  for (std::size_t t = 0; t < times; ++t) {
    for (std::size_t i = 0; i < courses.size(); ++i) values[i] = courses[i][start].chi2[t];
    band.x.push_back(static_cast<double>(t) * kEvery);
    band.low.push_back(quantile(values, 0.25));
    band.y.push_back(quantile(values, 0.5));
    band.high.push_back(quantile(values, 0.75));
  }
  return band;
}

Gallery evolution_of(const Courses& courses, Object truth, int n) {
  constexpr std::array<std::size_t, 6> kTimes{0, 1, 2, 4, 8, 12};
  Gallery gallery{"", {}};
  for (const std::size_t time : kTimes)
    gallery.columns.push_back(std::to_string(time * kEvery) + " iterations");
  gallery.columns.emplace_back("truth");
  for (std::size_t start = 0; start < kStarts.size(); ++start) {
    Gallery::Row amplitude{std::string(kStarts[start]) + ": amplitude", {}}, phase{"phase", {}};
    for (const std::size_t time : kTimes) {
      const auto aligned = score::align(courses[start].objects[time], truth, n).aligned;
      amplitude.pictures.push_back(picture_of_amplitude(aligned));
      phase.pictures.push_back(picture_of_phase(aligned));
    }
    amplitude.pictures.push_back(picture_of_amplitude(truth));
    phase.pictures.push_back(picture_of_phase(truth));
    gallery.rows.push_back(std::move(amplitude));
    gallery.rows.push_back(std::move(phase));
  }
  return gallery;
}

}  // namespace

Section starts_section(const Dataset& data, const Outcome& alone, const refine::Starts& neighbours,
                       std::uint64_t seed, Findings& findings) {
  const int n = data.object_size, threads = usable_cores();
  const PatternBatch patterns = patterns_of(data);
  const refine::Starts learned = refine::starts_from(alone.objects);
  const std::size_t shown = at_quantiles(alone.samples.real_space_error, 3).at(data.count > 2 ? 1 : 0);
  std::vector<CourseMaker> makers;
  for (int i = 0; i < threads; ++i) makers.emplace_back(data.pattern_size, n);
  std::vector<Courses> courses(static_cast<std::size_t>(data.count));
  share_out(threads, data.count, [&](int worker, int i) {
    const auto at = static_cast<std::size_t>(i);
    const auto cut = [&](const auto& values) {
      return std::span(values).subspan(at * data.object_cells(), data.object_cells());
    };
    const Frame frame{cut(learned.object), cut(neighbours.object), cut(learned.support),
                      cut(neighbours.support)};
    courses[at] =
        courses_of(frame, patterns.intensity_of(i), patterns.measured_of(i), simulate::element_seed(seed, at),
                   n, at == shown, makers[static_cast<std::size_t>(worker)]);
  });

  Section section{
      "starts", "Four starts (Figs. 5 and 6)",
      "The schedule `paper` (12 times 40 HIO and 10 ER, with shrink-wrap) from each of " +
          std::to_string(data.count) +
          " frames: modulus chi² of the iterate after each of the twelve rounds, median and quartiles over "
          "the frames. The images are those of frame " +
          std::to_string(shown) + ", the median of the network's errors, laid on the truth."};
  Plot plot{"Modulus chi² against iteration", "iterations", "chi²", false, true};
  Table table{"At the end",
              {"start", "modulus chi² median", "quartiles from", "to", "error median", "error < 0.05, %"}};
  for (std::size_t start = 0; start < kStarts.size(); ++start) {
    plot.series.push_back(band_of(kStarts[start], courses, start));
    Samples ends;
    for (std::size_t i = 0; i < courses.size(); ++i) {
      const auto truth = data.object(i);
      ends.real_space_error.push_back(
          static_cast<double>(score::align(courses[i][start].objects.back(), truth, n).real_space_error));
    }
    const Series& band = plot.series.back();
    table.rows.push_back({kStarts[start], band.y.back(), band.low.back(), band.high.back(),
                          quantile(ends.real_space_error, 0.5), 100 * ends.share_right()});
  }
  findings.random_chi2 = plot.series[0].y.back();
  findings.learned_chi2 = plot.series[2].y.back();
  findings.nearest_start_chi2 = plot.series[3].y.back();
  section.tables.push_back(std::move(table));
  section.plots.push_back(std::move(plot));
  section.galleries.push_back(evolution_of(courses[shown], data.object(shown), n));
  return section;
}

}  // namespace flashphase::trainer::report
