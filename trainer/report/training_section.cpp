#include <fstream>
#include <sstream>
#include <stdexcept>

#include "trainer/report/sections.h"

namespace flashphase::trainer::report {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
  return cells;
}

bool is_loss(const std::string& column) {
  return column != "step" && column != "samples" && column != "rate" && column != "seconds";
}

/// One series for each loss.
std::vector<Series> losses_of(std::istream& file, const std::string& path) {
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = cells_of(line);
  std::vector<std::vector<double>> columns(names.size());
  while (std::getline(file, line)) {
    const std::vector<std::string> cells = cells_of(line);
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::istringstream cell(i < cells.size() ? cells[i] : "");
      double value = 0;
      if (!(cell >> value))
        throw std::runtime_error(path + ": \"" + line +
                                 "\" is no row of numbers for the columns that it has");
      columns[i].push_back(value);
    }
  }
  std::vector<double> samples;
  std::vector<Series> losses;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == "samples") samples = columns[i];
  if (samples.empty()) throw std::runtime_error(path + " has no column \"samples\" with values");
  for (std::size_t i = 0; i < names.size(); ++i)
    if (is_loss(names[i])) losses.push_back({names[i], samples, columns[i]});
  return losses;
}

}  // namespace

Section training_section(const std::vector<std::string>& models) {
  Section section{"training", "Training (Fig. 3a)", ""};
  for (const std::string& model : models) {
    const std::string path = model + ".csv";
    std::ifstream file(path);
    if (!file) {
      section.text += "No training record lies beside " + model + " (" + path + "). ";
      continue;
    }
    section.plots.push_back({"Losses of " + model, "samples", "loss", false, true, losses_of(file, path)});
  }
  return section;
}

}  // namespace flashphase::trainer::report
