#include <functional>

#include "trainer/report/sections.h"

namespace flashphase::trainer::report {
namespace {

/// One thing that makes frames hard.
struct Sweep {
  std::string name;
  bool log;
  std::vector<float> values;
  std::function<void(simulate::Recipe&, float)> set;
};

std::vector<Sweep> sweeps() {
  using simulate::Recipe;
  return {{"photons",
           true,
           {1e3f, 1e4f, 1e5f, 1e6f, 1e7f},
           [](Recipe& recipe, float value) {
             recipe.noise_free_fraction = 0;
             recipe.photons = {value, value};
           }},
          {"phase span, rad",
           false,
           {0, 1.57f, 3.14f, 4.71f, simulate::kFullTurn},
           [](Recipe& recipe, float value) {
             recipe.voronoi_fraction = 0;
             recipe.phase_span = {value, value};
           }},
          {"correlation length, px",
           false,
           {4, 6, 8, 12, 16, 32},
           [](Recipe& recipe, float value) {
             recipe.voronoi_fraction = 0;
             recipe.phase_length = {value, value};
           }},
          {"radius of the beam stop, px",
           false,
           {0, 1, 2, 3, 4, 6},
           [](Recipe& recipe, float value) {
             recipe.beam_stop_probability = 1;
             recipe.beam_stop = {value, value};
           }},
          {"phase domains", false, {2, 4, 8, 12, 19}, [](Recipe& recipe, float value) {
             recipe.voronoi_fraction = 1;
             recipe.voronoi_domains = {value, value};
           }}};
}

}  // namespace

Section sweeps_section(Subject& subject, const simulate::Recipe& base, std::size_t count,
                       std::uint64_t seed) {
  Section section{"sweeps", "What makes a frame hard",
                  "Each point " + std::to_string(count) +
                      " new particles by the recipe of the data with one thing changed; the network alone, "
                      "and refined by `explain` from four starts. Points are medians."};
  for (const Sweep& sweep : sweeps()) {
    Plot chi2{"Modulus chi² against " + sweep.name, sweep.name, "chi²", sweep.log, true},
        error{"Real-space error against " + sweep.name, sweep.name, "error", sweep.log, true};
    Table table{sweep.name, {sweep.name}};
    for (const char* schedule : {"none", "explain"}) {
      const std::string name = std::string(schedule) == "none" ? "network alone" : schedule;
      for (const char* figure : {"modulus chi² mean", "median", "error mean", "median", "error < 0.05, %"})
        table.columns.push_back(figure);
      Series chi2_series{name, {}, {}}, error_series{name, {}, {}};
      for (std::size_t i = 0; i < sweep.values.size(); ++i) {
        simulate::Recipe recipe = base;
        sweep.set(recipe, sweep.values[i]);
        const Outcome outcome = subject(simulated(recipe, count, seed), schedule);
        const Figure modulus = figure_of(outcome.samples.modulus_chi2),
                     real_space = figure_of(outcome.samples.real_space_error);
        const auto value = static_cast<double>(sweep.values[i]);
        for (Series* series : {&chi2_series, &error_series}) series->x.push_back(value);
        chi2_series.y.push_back(modulus.median);
        error_series.y.push_back(real_space.median);
        if (table.rows.size() <= i) table.rows.push_back({value});
        table.rows[i].insert(table.rows[i].end(), {modulus.mean, modulus.median, real_space.mean,
                                                   real_space.median, 100 * outcome.samples.share_right()});
      }
      chi2.series.push_back(std::move(chi2_series));
      error.series.push_back(std::move(error_series));
    }
    table.title += ": the network alone, then after explain";
    section.tables.push_back(std::move(table));
    section.plots.push_back(std::move(chi2));
    section.plots.push_back(std::move(error));
  }
  return section;
}

}  // namespace flashphase::trainer::report
