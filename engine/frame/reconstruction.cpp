#include "engine/frame/reconstruction.h"

#include <cmath>

namespace flashphase {

bool is_finite(const Reconstruction& result) {
  float sum = 0;  // of zeros, or of what is not finite less itself
  for (const float value : result.amplitude) sum += value - value;
  for (const float value : result.phase) sum += value - value;
  for (const float value : result.prtf) sum += value - value;
  return sum == 0 && std::isfinite(result.residual) && std::isfinite(result.noise_residual) &&
         std::isfinite(result.agreement.value_or(0));
}

}  // namespace flashphase
