#include "trainer/report/report.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "engine/dataset/dataset.h"
#include "engine/dataset/output.h"
#include "engine/device/cores.h"
#include "trainer/nearest.h"
#include "trainer/report/sections.h"
#include "trainer/report/subject.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

/// A file that is gone with this.
struct TemporaryFile {
  std::string path;

  ~TemporaryFile() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

void tell(const char* what) {
  std::fprintf(stderr, "report: %s, %.0f CPU s so far\n", what, report::cpu_seconds());
}

class Report {
 public:
  explicit Report(const ReportOptions& options)
      : options_(options), file_(options.data), subject_(options.model, options.sizes.iterations) {
    if (file_.object_size() == 0)
      throw std::invalid_argument("--data " + options.data +
                                  " has no /objects to compare with; flashphase-train generate makes a set");
    file_.require_patterns();
    check_size(options.model, subject_.info(), file_.path(), file_.pattern_size());
    data_ = file_.read(0, options.sizes.frames);
    base_ =
        file_.recipe().empty() ? simulate::shipped_recipe("paper") : simulate::parse_recipe(file_.recipe());
    if (base_.object_size != file_.object_size())
      throw std::invalid_argument("--data " + options.data + " has objects of " +
                                  std::to_string(file_.object_size()) + " pixels, its recipe makes some of " +
                                  std::to_string(base_.object_size));
  }

  report::Page page() {
    report::Page page{"Flashphase: " + subject_.info().name + " beside Wu et al. 2021", "", {}};
    report::Findings findings;
    tell("the network alone");
    const report::Outcome alone = subject_(data_, "none");
    std::vector<report::Rival> rivals{{options_.model, alone.samples}};
    std::vector<std::string> models{options_.model};
    for (const std::string& model : options_.compare) {
      report::Subject rival(model);
      check_size(model, rival.info(), file_.path(), file_.pattern_size());
      rivals.push_back({model, rival(data_, "none").samples});
      models.push_back(model);
    }
    page.sections.push_back(report::training_section(models));
    page.sections.push_back(report::chi2_section(rivals, findings));
    page.sections.push_back(report::frames_section(data_, alone));
    tell("measured frames");
    page.sections.push_back(
        report::measured_section(subject_, options_.measured, options_.measured_frames, findings));
    add_starts(page, alone, findings);
    tell("the presets");
    const auto effort = report::part_of(data_, 0, at_most(options_.sizes.effort));
    page.sections.push_back(report::effort_section(subject_, effort, findings));
    tell("what makes a frame hard");
    page.sections.push_back(report::sweeps_section(subject_, base_, options_.sizes.sweep, options_.seed + 1));
    page.sections.insert(
        page.sections.begin(),
        report::claims_section(findings, options_.model, options_.data,
                               options_.training.empty() ? "T.h5" : options_.training, options_.measured));
    page.text = "Model " + options_.model + " (SHA-256 " + subject_.info().hash.substr(0, 12) + "…) on " +
                std::to_string(data_.count) + " patterns of " + options_.data + ". Made by `" + command() +
                "` in " + std::to_string(std::lround(report::cpu_seconds())) + " CPU seconds.";
    return page;
  }

 private:
  static void check_size(const std::string& model, const ModelInfo& info, const std::string& path, int size) {
    if (info.pattern_size != size)
      throw std::invalid_argument("model " + model + " takes patterns of " +
                                  std::to_string(info.pattern_size) + " pixels; " + path + " has " +
                                  std::to_string(size));
  }

  std::size_t at_most(std::size_t count) const {
    return std::min(count, static_cast<std::size_t>(data_.count));
  }

  void add_starts(report::Page& page, const report::Outcome& alone, report::Findings& findings) {
    TemporaryFile made{options_.output + "/.training.h5"};
    std::string training = options_.training, described = training;
    if (training.empty()) {
      tell("a training set to look for neighbours in");
      training = made.path;
      described = std::to_string(options_.sizes.training) + " simulated by the recipe of the data";
      constexpr std::size_t kPiece = 2048;
      DatasetWriter writer(training);
      for (std::size_t first = 0; first < options_.sizes.training; first += kPiece)
        writer.append(report::simulated(base_, std::min(kPiece, options_.sizes.training - first),
                                        options_.seed + 1000 + first));
      writer.finish();
    }
    tell("nearest neighbours");
    NearestOptions search;
    search.training = training;
    search.data = options_.data;
    search.frames = options_.sizes.frames;
    search.threads = usable_cores();
    const Nearest found = nearest(search);
    page.sections.push_back(report::nearest_section(found, described, findings));
    tell("four starts");
    const std::size_t count = at_most(options_.sizes.starts);
    const refine::Starts neighbours =
        starts_from_neighbours(DatasetReader(training), std::span(found.neighbours).first(count));
    report::Outcome some;
    some.objects = ObjectBatch(static_cast<int>(count), data_.object_size);
    std::copy_n(alone.objects.object.begin(), some.objects.object.size(), some.objects.object.begin());
    some.samples.real_space_error.assign(
        alone.samples.real_space_error.begin(),
        alone.samples.real_space_error.begin() + static_cast<std::ptrdiff_t>(count));
    page.sections.push_back(
        report::starts_section(report::part_of(data_, 0, count), some, neighbours, options_.seed, findings));
  }

  std::string command() const {
    std::string text = "flashphase-train report --model " + options_.model + " --data " + options_.data;
    for (const std::string& model : options_.compare) text += " --compare " + model;
    if (!options_.training.empty()) text += " --training " + options_.training;
    if (!options_.measured.empty()) text += " --measured " + options_.measured;
    if (options_.sizes.frames == ReportSizes::quick().frames) text += " --quick";
    return text + " --output " + options_.output;
  }

  ReportOptions options_;
  DatasetReader file_;
  report::Subject subject_;
  Dataset data_;
  simulate::Recipe base_;
};

}  // namespace

report::Page make_report(const ReportOptions& options) {
  std::error_code error;
  const bool made = fs::create_directories(options.output, error);
  if (error)
    throw std::invalid_argument("--output " + options.output +
                                " is no folder and cannot be made: " + error.message());
  const std::string html = options.output + "/report.html", json = options.output + "/report.json";
  try {
    for (const std::string& path : {html, json}) check_output(path, options.overwrite, {options.data});
    const report::Page page = Report(options).page();
    write_whole(json, report::to_json(page));
    write_whole(html, report::to_html(page));
    return page;
  } catch (...) {
    if (made) fs::remove(options.output, error);  // where it is empty
    throw;
  }
}

void add_report(CLI::App& parent) {
  auto options = std::make_shared<ReportOptions>();
  auto quick = std::make_shared<bool>(false);
  CLI::App* app = parent.add_subcommand(
      "report", "Measure what Wu et al. 2021 claim, with a model: one HTML page and its numbers as JSON");
  app->add_option("--model", options->model, "Model file, or none")->required();
  app->add_option("--data", options->data, "Dataset with /objects, unseen by the model")->required();
  app->add_option("--output", options->output, "Folder for report.html and report.json; made where missing")
      ->required();
  app->add_option("--compare", options->compare, "Further models, by their network alone")->delimiter(',');
  app->add_option("--training", options->training,
                  "Dataset in which nearest neighbours are looked for; default: simulated by the recipe of "
                  "the data");
  app->add_option("--measured", options->measured, "Dataset of measured patterns");
  app->add_option("--measured-frames", options->measured_frames, "Frames of it")
      ->delimiter(',')
      ->capture_default_str();
  app->add_option("--seed", options->seed, "Of what is simulated and of random starts")
      ->capture_default_str();
  app->add_flag("--quick", *quick, "Fewer frames: minutes become seconds, and figures rough");
  app->add_flag("--overwrite", options->overwrite, "Replace a report that is there already");
  app->callback([options, quick] {
    if (*quick) options->sizes = ReportSizes::quick();
    make_report(*options);
  });
}

}  // namespace flashphase::trainer
