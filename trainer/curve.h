#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "trainer/event_file.h"

namespace flashphase::trainer {

/// Means over the steps since the point before.
struct CurvePoint {
  std::uint64_t step = 0, samples = 0;  ///< shown until then
  double rate = 0, loss = 0, object_error = 0, modulus_chi2 = 0;
  double seconds = 0;  ///< of training until then, all its runs together
};

/// The course of a training: a CSV file, a row for each point, and scalars for TensorBoard.
///
/// Thread: one.
class Curve {
 public:
  /// Begins the file with step 0; else goes on with it, or begins it where it is missing: rows of later
  /// steps, which a run left that came further than its last checkpoint, are dropped. `tensorboard`: a
  /// folder, "" = none. Throws std::invalid_argument when the folder cannot be had, std::runtime_error when
  /// the CSV file cannot be written or holds something else.
  Curve(std::string csv, const std::string& tensorboard, std::uint64_t step);

  /// In the files when it returns. Throws std::runtime_error.
  void add(const CurvePoint& point);

 private:
  std::string path_;
  std::ofstream file_;
  std::optional<EventFile> events_;
};

}  // namespace flashphase::trainer
