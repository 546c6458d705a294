#include "engine/frame/range.h"

namespace flashphase {

Range::Range(Stage) {}
Range::~Range() {}

}  // namespace flashphase
