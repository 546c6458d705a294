#pragma once

#include <complex>
#include <span>

namespace flashphase::score {

/// sum |value|^2 of an image of any shape, in its units squared.
double energy(std::span<const std::complex<float>> image);

}  // namespace flashphase::score
