#pragma once

#include <memory>

namespace flashphase::tools {

/// What bounds an iteration of phase retrieval: one forward and one inverse FFT, in place, single precision.
class FftFloor {
 public:
  explicit FftFloor(int size);
  ~FftFloor();
  FftFloor(const FftFloor&) = delete;
  FftFloor& operator=(const FftFloor&) = delete;

  void forward_and_inverse();
  /// The library that does it.
  static const char* name();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::tools
