#pragma once

#include <cstddef>

namespace flashphase::service {

/// What a program that runs out of memory still has, so that it says so and ends with its accounts. While it
/// lives, the first failing `new` sets kReserve bytes of address space free before it throws
/// std::bad_alloc, and an abort while memory is short (libzmq's, where its own malloc fails; an exception
/// that nobody takes) becomes a line `event=failed` on standard error and exit 1 at once. Any other abort
/// stays one.
///
/// One in a process: it holds the new-handler and the handler of SIGABRT. The memory is reserved, not used.
class MemoryReserve {
 public:
  static constexpr std::size_t kReserve = std::size_t{64} << 20;

  MemoryReserve();
  ~MemoryReserve();
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  /// Whether a `new` has failed, or 256 MiB more of address space cannot be had. Safe in a signal handler.
  static bool is_short();
};

}  // namespace flashphase::service
