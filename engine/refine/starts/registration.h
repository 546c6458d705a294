#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "engine/frame/reconstruction.h"

namespace flashphase::refine {

/// Moves each object of a batch onto the one of the same index in `reference`, as far as its pattern leaves a
/// choice: twin conj(rho(-r)), translation by whole pixels, global phase. The support moves along; scale and
/// residual stay. No translation pushes an amplitude above 1/50 of the largest beyond the square, so the
/// diffraction practically stays as it is; what is fainter may be lost there. An object or a reference that
/// is zero is left alone. Precondition: values are finite. Throws std::invalid_argument when shapes differ.
void register_to(const ObjectBatch& reference, ObjectBatch& objects);

/// One object [n, n] and its support.
void register_to(std::span<const std::complex<float>> reference, std::span<std::complex<float>> object,
                 std::span<std::uint8_t> support, int n);

}  // namespace flashphase::refine
