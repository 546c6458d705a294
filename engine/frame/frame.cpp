#include "engine/frame/frame.h"

#include "engine/frame/pattern.h"
#include "engine/frame/reconstruction.h"
#include "engine/frame/stage.h"

namespace flashphase {

static_assert(stage_name(Stage::publish) == "publish");

}  // namespace flashphase
