#include <nvtx3/nvToolsExt.h>

#include "engine/device/range.h"

namespace flashphase {

Range::Range(Stage stage) {
  nvtxRangePushA(stage_name(stage).data());
}

Range::~Range() {
  nvtxRangePop();
}

}  // namespace flashphase
