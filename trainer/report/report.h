#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trainer/report/page.h"

namespace CLI {
class App;
}

namespace flashphase::trainer {

/// How much is measured.
struct ReportSizes {
  std::size_t frames = 1000;     ///< of the data: network alone, nearest neighbours
  std::size_t starts = 300;      ///< of these: the four starts
  std::size_t effort = 300;      ///< of these: the presets
  std::size_t sweep = 100;       ///< simulated for each point
  std::size_t training = 20000;  ///< simulated to look for neighbours in, where none are given

  int iterations = 24000;  ///< of a frame by "explain" at most

  static ReportSizes quick() { return {200, 60, 40, 16, 2000, 24000}; }
};

struct ReportOptions {
  std::string model, data, output;   ///< output: a folder, made where it is missing
  std::vector<std::string> compare;  ///< further models
  std::string training;              ///< dataset in which neighbours are looked for, "" = simulated
  std::string measured;              ///< dataset of measured patterns, "" = none
  std::vector<int> measured_frames{80, 92, 99, 106, 112};
  std::uint64_t seed = 1;  ///< of what is simulated and of random starts
  bool overwrite = false;
  ReportSizes sizes;
};

/// The claims of Wu et al. 2021, Figs. 3 to 7 and S2, measured with a model: writes report.html and
/// report.json into the folder. Tells on stderr what it is at. Throws std::invalid_argument for options and
/// files that do not fit together, std::runtime_error when a file does not serve; nothing is written then.
report::Page make_report(const ReportOptions& options);

/// Adds `report --model M [--compare M2,...] --data F --output DIR [--quick] ...`.
void add_report(CLI::App& parent);

}  // namespace flashphase::trainer
