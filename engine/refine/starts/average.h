#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/device/for_each.h"
#include "engine/refine/loop/iterate.h"
#include "engine/refine/results.h"

namespace flashphase::refine {

/// The mean of several results of one frame, and where any of them has something.
struct Average {
  std::vector<std::complex<float>> object;  ///< [n, n]; empty when there is nothing to average
  std::vector<std::uint8_t> support;        ///< [n, n]
};

/// Mean of the results `which`, the best first, at unit energy and on top of each other (twin, translation by
/// fractions of a pixel, phase): first on the best, then on the mean of the first round. What they share
/// stays and what each made up by itself goes: the mean is nearer to the truth than nearly all of them, and
/// fits the pattern worse. The support is the union of theirs, moved along and grown by three pixels.
///
/// Translations being free, the amplitude's centroid comes to [n/2, n/2]; with an `upper_limit` [n, n] (empty
/// = the whole square) nothing is moved and the support stays inside. `each` is used for the results.
Average average(const Results& results, std::span<const int> which, std::span<const std::uint8_t> upper_limit,
                const ForEach& each = in_turn);

/// Error reduction from the average, inside its support, for the pattern that `iterate` has, until it fits as
/// well as the best of the results or so many iterations are done: the image nearest to the average that does
/// (the discrepancy principle of Morozov, Soviet Math. Dokl. 7, 414, 1966, by early stopping). As well means
/// per degree of freedom, since a wider support fits better whatever is in it: with N `measured` pixels, S
/// pixels in the average's support and s in that of the result with the lowest residual, that residual times
/// (N - 2 S) / (N - 2 s). The object is in the units of the pattern then, and the average empty where that
/// gives no finite number.
void settle(Iterate& iterate, const Results& results, int measured, int iterations, Average& average);

}  // namespace flashphase::refine
