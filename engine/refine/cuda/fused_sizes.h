#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/refine/cuda/fused_plane.h"

namespace flashphase::refine::cuda {

/// Sizes of patterns that have a fused kernel: those whose plane fits into the memory that a block's threads
/// share, and whose pixels into their registers.
template <int... kSizes>
struct FusedSizes {
  static constexpr bool has(int m) { return ((m == kSizes) || ...); }
  /// "32, 64, ..."
  static std::string names() {
    std::string list = ((std::to_string(kSizes) + ", ") + ...);
    list.resize(list.size() - 2);
    return list;
  }
  template <class Work>
  static void with(int m, Work work) {
    (void)((m == kSizes && (work(std::integral_constant<int, kSizes>()), true)) || ...);
  }
};
using AllFusedSizes = FusedSizes<32, 64, 80, 96, 98, 100, 112, 120, 128>;

/// work(std::integral_constant<int, m>()). Throws std::invalid_argument for a size without a fused kernel.
template <class Work>
void with_fused_size(int m, Work work) {
  if (!AllFusedSizes::has(m))
    throw std::invalid_argument("refine: the fused path is for patterns of " + AllFusedSizes::names() +
                                " pixels, not " + std::to_string(m));
  AllFusedSizes::with(m, work);
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

/// "fused radix 8x12".
inline std::string fused_kernel_name(int m) {
  with_fused_size(m, [](auto) {});
  const LineFactors factors = line_factors(m);
  return "fused radix " + std::to_string(factors.first) + "x" + std::to_string(factors.second);
}

/// fused_order of this size.
inline std::vector<int> fused_order_of(int m) {
  std::vector<int> order(static_cast<std::size_t>(m) * static_cast<std::size_t>(m));
  with_fused_size(m, [&](auto size) {
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = fused_order<size>(static_cast<int>(i));
  });
  return order;
}

}  // namespace flashphase::refine::cuda
