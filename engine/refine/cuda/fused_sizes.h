#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/refine/cuda/fused_plane.h"

namespace flashphase::refine::cuda {

/// Sizes of patterns that have a fused kernel.
constexpr bool has_fused_kernel(int m) {
  return m == 32 || m == 64 || m == 128;
}

/// work(std::integral_constant<int, m>()). Throws std::invalid_argument for a size without a fused kernel.
template <class Work>
auto with_fused_size(int m, Work work) {
  switch (m) {
    case 32:
      return work(std::integral_constant<int, 32>());
    case 64:
      return work(std::integral_constant<int, 64>());
    case 128:
      return work(std::integral_constant<int, 128>());
    default:
      throw std::invalid_argument("refine: the fused path is for patterns of 32, 64 and 128 pixels, not " +
                                  std::to_string(m));
  }
}

/// work(size as above, std::bool_constant<whether the kernel is the general one>()).
template <class Work>
void with_fused_kernel(int m, bool is_plain, Work work) {
  with_fused_size(m, [&](auto size) {
    if (is_plain)
      work(size, std::false_type());
    else
      work(size, std::true_type());
  });
}

/// fused_order of this size.
inline std::vector<int> fused_order_of(int m) {
  return with_fused_size(m, [m](auto size) {
    std::vector<int> order(static_cast<std::size_t>(m) * static_cast<std::size_t>(m));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = fused_order<size>(static_cast<int>(i));
    return order;
  });
}

}  // namespace flashphase::refine::cuda
