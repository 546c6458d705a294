#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace flashphase::trainer {

struct EvaluateOptions {
  std::string model;
  std::string data;
  std::vector<int> iterations{
      0};                  ///< of refinement after the network, each judged apart; 0 = the network alone
  std::size_t frames = 0;  ///< 0 = all
  bool json = false;
  int starts = 1;  ///< of refinement, as flashphase-reconstruct makes them; what comes out is their average
};

/// Mean and median of one figure over the frames.
struct Figure {
  double mean = 0, median = 0;
};

/// Of one value at least.
Figure figure_of(std::vector<double> values);

/// One row: the figures after so many iterations.
struct Evaluation {
  int iterations = 0;
  Figure modulus_chi2, amplitude_chi2, phase_chi2, real_space_error;
  double below = 0;  ///< share of frames with a real-space error below 0.05
  /// Frames that were below with the network alone and are no longer, and the other way round.
  int made_wrong = 0, made_right = 0;
};

/// Compares network and refinement with the objects of a dataset. Throws std::runtime_error when a file does
/// not serve.
std::vector<Evaluation> evaluate(const EvaluateOptions& options);

/// Adds `evaluate --model M --data F [--iterations 0,20,100] [--starts K] [--frames N] [--json]`.
void add_evaluate(CLI::App& parent);

}  // namespace flashphase::trainer
