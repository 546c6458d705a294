#include "engine/device/range.h"

namespace flashphase {

Range::Range(Stage) {}
Range::~Range() {}

}  // namespace flashphase
