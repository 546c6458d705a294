#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/simulate/recipe.h"
#include "trainer/evaluate.h"
#include "trainer/nearest.h"
#include "trainer/report/page.h"
#include "trainer/report/subject.h"

namespace flashphase::trainer::report {

/// What the table of claims is made of; NaN where it was not measured.
struct Findings {
  Figure modulus_chi2, amplitude_chi2, phase_chi2;                 ///< of the network alone
  Figure explained_modulus, explained_amplitude, explained_phase;  ///< after "explain"
  double right = 0, explained_right = 0;
  double network_seconds = 0;  ///< of CPU, a pattern
  Figure nearest;              ///< modulus chi^2
  double nearest_seconds = 0;  ///< a pattern
  std::size_t searched = 0;
  double random_chi2 = 0, learned_chi2 = 0, nearest_start_chi2 = 0;  ///< medians at the end of the schedule
  double measured_before = 0, measured_after = 0;  ///< modulus chi^2 of the frame that ends lowest
};

/// A model beside others.
struct Rival {
  std::string model;
  Samples samples;
};

/// Fig. 3(a): what MODEL.csv says of the training. The columns: step, samples, rate, losses, seconds.
Section training_section(const std::vector<std::string>& models);

/// Fig. 3(b-d): how the three chi^2 are distributed; the models side by side, the first one under report.
Section chi2_section(const std::vector<Rival>& models, Findings& findings);

/// Fig. 4: truth and prediction of six frames, at even steps of the error's rank.
Section frames_section(const Dataset& data, const Outcome& alone);

/// Fig. S2 and the row of the nearest neighbours.
Section nearest_section(const Nearest& found, const std::string& searched_in, Findings& findings);

/// Figs. 5 and 6: the schedule "paper" from four starts of every frame of `data`; `neighbours` the starts
/// from nearest neighbours.
Section starts_section(const Dataset& data, const Outcome& alone, const refine::Starts& neighbours,
                       std::uint64_t seed, Findings& findings);

/// Fig. 7: measured frames with the network alone and after "polish". Without a file it says so.
Section measured_section(Subject& subject, const std::string& path, const std::vector<int>& frames,
                         Findings& findings);

/// chi^2 and error against what makes a frame hard, sets of `count` simulated by variations of `base`; with
/// and without refinement by "explain".
Section sweeps_section(Subject& subject, const simulate::Recipe& base, std::size_t count, std::uint64_t seed);

/// Share right against CPU seconds of the presets, and their Fourier ring correlation with the truth.
Section effort_section(Subject& subject, const Dataset& data, Findings& findings);

/// Claim by claim: the paper's number, ours, and the command that gives it.
Section claims_section(const Findings& findings, const std::string& model, const std::string& data,
                       const std::string& training, const std::string& measured);

}  // namespace flashphase::trainer::report
