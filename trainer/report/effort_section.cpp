#include "engine/score/align.h"
#include "engine/score/resolution.h"
#include "trainer/report/sections.h"

namespace flashphase::trainer::report {
namespace {

/// Mean over the frames, ring by ring.
Series mean_frc(const std::string& name, const Dataset& data, const Outcome& outcome) {
  Series mean{name, {}, {}};
  for (int i = 0; i < data.count; ++i) {
    const auto truth = data.object(static_cast<std::size_t>(i));
    const auto aligned = score::align(outcome.objects.object_of(i), truth, data.object_size).aligned;
    const auto curve = score::fourier_ring_correlation(aligned, truth, data.object_size);
    mean.y.resize(curve.size());
    for (std::size_t ring = 0; ring < curve.size(); ++ring)
      mean.y[ring] += static_cast<double>(curve[ring]) / data.count;
  }
  for (std::size_t ring = 0; ring < mean.y.size(); ++ring)
    mean.x.push_back(static_cast<double>(ring) / data.object_size);
  return mean;
}

}  // namespace

Section effort_section(Subject& subject, const Dataset& data, Findings& findings) {
  Section section{"effort", "What effort buys, and how fine the images are",
                  "The first " + std::to_string(data.count) +
                      " frames. CPU seconds of all threads, the network with them; polish and thorough from "
                      "eight starts, explain from four. The Fourier ring correlation is that with the truth, "
                      "mean over the frames; the half-bit line counts every pixel of a ring, so it is too "
                      "strict for objects that fill a part of the square."};
  Plot share{"Share right against CPU seconds", "CPU seconds a frame", "error < 0.05, %", true, false},
      frc{"Fourier ring correlation with the truth", "spatial frequency, 1/px", "correlation"};
  Table table{"Presets",
              {"schedule", "CPU seconds a frame", "error < 0.05, %", "error mean", "median",
               "modulus chi² mean", "amplitude chi² mean", "phase chi² mean"}};
  for (const char* schedule : {"none", "polish", "thorough", "explain"}) {
    const Outcome outcome = subject(data, schedule);
    const Samples& samples = outcome.samples;
    const std::string name = std::string(schedule) == "none" ? "network alone" : schedule;
    const Figure modulus = figure_of(samples.modulus_chi2), amplitude = figure_of(samples.amplitude_chi2),
                 phase = figure_of(samples.phase_chi2), error = figure_of(samples.real_space_error);
    const double right = samples.share_right();
    share.series.push_back({name, {outcome.seconds}, {100 * right}, {}, {}, Series::Kind::points});
    frc.series.push_back(mean_frc(name, data, outcome));
    table.rows.push_back({name, outcome.seconds, 100 * right, error.mean, error.median, modulus.mean,
                          amplitude.mean, phase.mean});
    if (name == "network alone") findings.network_seconds = outcome.seconds;
    if (name == "explain") {
      findings.explained_modulus = modulus;
      findings.explained_amplitude = amplitude;
      findings.explained_phase = phase;
      findings.explained_right = right;
    }
  }
  Series half_bit{"half bit", frc.series.front().x, {}};
  for (const float value : score::half_bit_threshold(data.object_size))
    half_bit.y.push_back(static_cast<double>(value));
  frc.series.push_back(std::move(half_bit));
  section.tables.push_back(std::move(table));
  section.plots = {std::move(share), std::move(frc)};
  return section;
}

}  // namespace flashphase::trainer::report
