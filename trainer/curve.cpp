#include "trainer/curve.h"

#include <cstdio>
#include <ios>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "engine/dataset/output.h"

namespace flashphase::trainer {
namespace {

constexpr const char* kHead = "step,samples,rate,loss,object_error,modulus_chi2,seconds";

/// The rows until this step, whole ones.
std::string rows_until(const std::string& path, std::uint64_t step) {
  std::string kept = std::string(kHead) + "\n";
  std::ifstream file(path);
  std::string line;
  if (step == 0 || !file || !std::getline(file, line)) return kept;
  if (line != kHead)
    throw std::runtime_error(path + " is not the curve of a training; move it away to resume");
  while (std::getline(file, line) && !file.eof()) {
    std::uint64_t at = 0;
    if (!(std::istringstream(line) >> at) || at > step) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

Curve::Curve(std::string csv, const std::string& tensorboard, std::uint64_t step) : path_(std::move(csv)) {
  if (!tensorboard.empty()) events_.emplace(tensorboard, step + 1);
  write_whole(path_, rows_until(path_, step));
  file_.open(path_, std::ios::app);
}

void Curve::add(const CurvePoint& point) {
  char row[256];
  std::snprintf(row, sizeof row, "%llu,%llu,%.6g,%.9g,%.9g,%.9g,%.1f\n",
                static_cast<unsigned long long>(point.step), static_cast<unsigned long long>(point.samples),
                point.rate, point.loss, point.object_error, point.modulus_chi2, point.seconds);
  file_ << row << std::flush;
  if (!file_) throw std::runtime_error(path_ + " cannot be written; is the disk full?");
  if (events_)
    events_->add(point.step, {{"loss", point.loss},
                              {"object_error", point.object_error},
                              {"modulus_chi2", point.modulus_chi2},
                              {"rate", point.rate}});
}

}  // namespace flashphase::trainer
