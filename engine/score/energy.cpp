#include "engine/score/energy.h"

namespace flashphase::score {

double energy(std::span<const std::complex<float>> image) {
  double sum = 0;
  for (const std::complex<float> value : image) {
    const auto re = static_cast<double>(value.real()), im = static_cast<double>(value.imag());
    sum += re * re + im * im;
  }
  return sum;
}

}  // namespace flashphase::score
