#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace flashphase::tools {

/// The middle value, of an even number the upper of the two. `values`: at least one.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace flashphase::tools
