#include "engine/refine/loop/algorithms.h"

#include <algorithm>

namespace flashphase::refine {

Update update_of(const Step& step) {
  const float beta = step.beta;
  Update update;
  update.positive = step.positive;
  update.real = step.real;
  switch (step.algorithm) {
    case Algorithm::er:
    case Algorithm::aer:
    case Algorithm::ml:
      break;
    case Algorithm::sf:
      update.outside = {-1, 0};
      break;
    case Algorithm::raar:
      update.outside = {1 - 2 * beta, beta};
      update.test = {2, -1};
      break;
    case Algorithm::hpr:
      update.outside = {-beta, 1};
      update.test = {1 + beta, -1};
      break;
    case Algorithm::rrr:
      update.inside = {beta, 1 - beta};
      update.outside = {-beta, 1};
      update.test = {2, -1};
      break;
    case Algorithm::chio:
      update.positive = update.real = true;
      update.outside = {-beta, 1};
      update.test = {1, -step.alpha};
      update.between = {-(1 - step.alpha) / step.alpha, 1};
      return update;
    case Algorithm::hio:
    case Algorithm::oss:
    case Algorithm::dm:
      update.outside = {-beta, 1};
      break;
  }
  update.between = update.outside;
  return update;
}

float oss_width(int done, int total, int m) {
  constexpr int stages = 10;
  const int stage = static_cast<int>(static_cast<long long>(done) * stages / std::max(1, total));
  return static_cast<float>(m) * static_cast<float>(stages - std::min(stage, stages - 1)) / stages;
}

}  // namespace flashphase::refine
