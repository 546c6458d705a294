#pragma once

#include <stdexcept>

namespace flashphase {

/// A device (GPU) stopped answering. The process cannot go on with it: the daemon turns Failed and exits
/// with 3.
class DeviceLost : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A device has no room for what was asked; the caller tries with less.
class OutOfDeviceMemory : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A device that was asked for cannot be had: not there, too old, busy. One sentence, for whoever wrote the
/// configuration.
class DeviceUnusable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace flashphase
