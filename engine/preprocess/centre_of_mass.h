#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/preprocess/photon_reader.h"

namespace flashphase::preprocess {

/// The centre of mass of the photons above the background (median of the frame, and three times its spread),
/// from one look at each row.
class CentreOfMass {
 public:
  /// Takes samples of the background. Precondition: the whole frame is open.
  explicit CentreOfMass(const PhotonReader& reader);

  /// Row `y`, every one once, as PhotonReader::read gives it.
  void add(int y, std::span<const float> photons, std::span<const std::uint8_t> measured);

  bool any_measured() const { return any_measured_ != 0; }
  bool any_photons() const { return brightest_ > 0; }
  struct Point {
    double y = 0, x = 0;
  };
  /// Nothing when nothing stands out.
  std::optional<Point> point() const;

 private:
  float level_ = 0, threshold_ = 0;        // photons above `threshold_` count, less `level_`
  std::vector<double> columns_, moments_;  // down each column: sum of photons, sum of photons * y
  int any_measured_ = 0;
  float brightest_ = 0;
};

}  // namespace flashphase::preprocess
