#pragma once

#include <stdexcept>

namespace flashphase {

/// A device (GPU) stopped answering. The process cannot go on with it: the daemon turns Failed and exits
/// with 3.
class DeviceLost : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace flashphase
