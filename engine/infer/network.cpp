#include "engine/infer/network.h"

#include <cmath>

#include "engine/infer/flash_network.h"
#include "engine/infer/none_network.h"

namespace flashphase {

bool Domain::contains(const Pattern& pattern) const {
  double total = 0, weight = 0, sum_y = 0, sum_x = 0;
  std::size_t unmeasured = 0;
  const int m = pattern.size;
  for (int y = 0; y < m; ++y)
    for (int x = 0; x < m; ++x) {
      const std::size_t i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(m) + static_cast<std::size_t>(x);
      if (!pattern.measured[i]) {
        ++unmeasured;
        continue;
      }
      const float root = std::sqrt(pattern.intensity[i]);
      total += static_cast<double>(pattern.intensity[i]);
      weight += static_cast<double>(root);
      sum_y += static_cast<double>(root) * y;
      sum_x += static_cast<double>(root) * x;
    }
  if (!(total > 0)) return false;
  const double offset = std::hypot(sum_y / weight - m / 2, sum_x / weight - m / 2);
  return total >= static_cast<double>(photons_min) &&
         (photons_max <= 0 || total <= static_cast<double>(photons_max)) &&
         static_cast<double>(unmeasured) <= static_cast<double>(unmeasured_max) * m * m &&
         offset <= static_cast<double>(centre_offset_max);
}

std::unique_ptr<Network> make_network(const std::string& model, const NetworkOptions& options) {
  if (model == "none") return infer::make_none_network(ModelInfo{}.pattern_size);
  return infer::make_flash_network(model, options);
}

}  // namespace flashphase
