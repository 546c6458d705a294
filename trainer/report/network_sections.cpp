#include <algorithm>
#include <cmath>

#include "engine/dataset/patterns.h"
#include "engine/score/align.h"
#include "trainer/report/pictures.h"
#include "trainer/report/sections.h"
#include "trainer/report/statistics.h"

namespace flashphase::trainer::report {
namespace {

Plot histogram_of(const std::string& name, const std::vector<double>& values) {
  constexpr int kBins = 40;
  constexpr double kShown = 0.98;  // of the values; the tail would squeeze the rest into one bin
  const double end = std::max(1e-12, 1.05 * quantile(values, kShown));
  const Histogram bars = histogram(values, end, kBins);
  const GammaFit gamma = gamma_fit(values);
  const double mean = figure_of(values).mean;
  Plot plot{name, "chi²", "density"};
  plot.series.push_back(
      {std::to_string(values.size()) + " frames, " + std::to_string(bars.beyond) + " beyond the right edge",
       bars.edges,
       bars.density,
       {},
       {},
       Series::Kind::bars});
  Series curve{"Gamma, shape " + short_number(gamma.shape) + ", scale " + short_number(gamma.scale), {}, {}};
  if (gamma.shape > 0)
    for (int i = 0; i < 4 * kBins; ++i) {
      curve.x.push_back((i + 0.5) / (4 * kBins) * end);
      curve.y.push_back(gamma.density(curve.x.back()));
    }
  const double top = *std::ranges::max_element(bars.density);
  for (double& y : curve.y) y = std::min(y, 1.3 * top);  // a shape below 1 has no end at zero
  plot.series.push_back(std::move(curve));
  plot.series.push_back({"mean " + short_number(mean), {mean, mean}, {0, top}});
  return plot;
}

}  // namespace

Section chi2_section(const std::vector<Rival>& models, Findings& findings) {
  Section section{"chi2", "Modulus, amplitude and phase of the network alone (Fig. 3b-d)",
                  "Gamma distributions by maximum likelihood. Means are made by the few frames that end in a "
                  "wrong basin; medians say what a frame is likely to get."};
  Table table{"Mean and median",
              {"model", "modulus chi² mean", "median", "amplitude chi² mean", "median", "phase chi² mean",
               "median", "error mean", "median", "error < 0.05, %"}};
  for (const Rival& one : models) {
    const Samples& samples = one.samples;
    std::vector<Cell> row{one.model};
    for (const auto* values :
         {&samples.modulus_chi2, &samples.amplitude_chi2, &samples.phase_chi2, &samples.real_space_error}) {
      const Figure figure = figure_of(*values);
      row.insert(row.end(), {figure.mean, figure.median});
    }
    row.push_back(100 * samples.share_right());
    table.rows.push_back(std::move(row));
  }
  section.tables.push_back(std::move(table));
  const Samples& own = models.front().samples;
  section.plots = {histogram_of("Modulus chi²", own.modulus_chi2),
                   histogram_of("Amplitude chi²", own.amplitude_chi2),
                   histogram_of("Phase chi²", own.phase_chi2)};
  findings.modulus_chi2 = figure_of(own.modulus_chi2);
  findings.amplitude_chi2 = figure_of(own.amplitude_chi2);
  findings.phase_chi2 = figure_of(own.phase_chi2);
  findings.right = own.share_right();
  return section;
}

Section frames_section(const Dataset& data, const Outcome& alone) {
  constexpr std::size_t kFrames = 6;
  const Samples& samples = alone.samples;
  const auto chosen = at_quantiles(samples.real_space_error, kFrames);
  Section section{"frames", "Truth and prediction (Fig. 4)",
                  "The network alone; frames at even steps of the rank of their error, the first the best of "
                  "all and the last the worst. Predictions lie on the truth: twin, translation, phase "
                  "removed."};
  Table table{"The frames", {"frame", "modulus chi²", "amplitude chi²", "phase chi²", "error"}};
  Gallery gallery{"", {}};
  for (const char* row :
       {"pattern (log)", "amplitude, truth", "amplitude, network", "phase, truth", "phase, network"})
    gallery.rows.push_back({row, {}});
  const PatternBatch patterns = patterns_of(data);
  for (const std::size_t i : chosen) {
    const auto frame = static_cast<int>(i);
    const auto truth = data.object(i);
    const auto on_truth = score::align(alone.objects.object_of(frame), truth, data.object_size);
    gallery.columns.push_back("frame " + std::to_string(i) + ", error " +
                              short_number(samples.real_space_error[i]));
    gallery.rows[0].pictures.push_back(
        picture_of_pattern(patterns.intensity_of(frame), patterns.measured_of(frame)));
    gallery.rows[1].pictures.push_back(picture_of_amplitude(truth));
    gallery.rows[2].pictures.push_back(picture_of_amplitude(on_truth.aligned));
    gallery.rows[3].pictures.push_back(picture_of_phase(truth));
    gallery.rows[4].pictures.push_back(picture_of_phase(on_truth.aligned));
    table.rows.push_back({static_cast<double>(i), samples.modulus_chi2[i], samples.amplitude_chi2[i],
                          samples.phase_chi2[i], samples.real_space_error[i]});
  }
  section.tables.push_back(std::move(table));
  section.galleries.push_back(std::move(gallery));
  return section;
}

Section nearest_section(const Nearest& found, const std::string& searched_in, Findings& findings) {
  Section section{"nearest", "Nearest neighbours (Fig. S2)",
                  "The pattern of the lowest modulus chi² among those of a training set (" + searched_in +
                      "), and what a larger set is worth."};
  Series mean{"mean", {}, {}}, median{"median", {}, {}};
  for (const NearestRow& row : found.rows) {
    mean.x.push_back(static_cast<double>(row.searched));
    mean.y.push_back(row.modulus_chi2.mean);
    median.y.push_back(row.modulus_chi2.median);
  }
  median.x = mean.x;
  section.plots.push_back(
      {"Modulus chi² of the nearest neighbour", "patterns searched", "chi²", true, true, {mean, median}});
  findings.nearest = found.rows.back().modulus_chi2;
  findings.searched = found.rows.back().searched;
  findings.nearest_seconds = found.seconds / static_cast<double>(found.neighbours.size());
  return section;
}

}  // namespace flashphase::trainer::report
