#include "service/settings/cores.h"

#include <algorithm>

namespace flashphase::service {

int cpu_refine_workers(int asked, int cores, int others) {
  return asked > 0 ? std::min(asked, cores) : std::max(1, cores - others);
}

}  // namespace flashphase::service
