#include "service/memory_shortage.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <new>
#include <string_view>

namespace flashphase::service {

namespace {

// What the handlers may touch; there is one set of handlers in a process.
std::atomic<void*> reserve{nullptr};
std::atomic<bool> failed{false};

void* map() {
  void* mapped =
      mmap(nullptr, MemoryReserve::kReserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

void unmap(void* mapped) {
  if (mapped != nullptr) munmap(mapped, MemoryReserve::kReserve);
}

[[noreturn]] void new_failed() {
  failed = true;
  unmap(reserve.exchange(nullptr));
  throw std::bad_alloc();
}

/// Where it returns, abort() goes on.
void aborted(int) {
  if (!MemoryReserve::is_short()) return;
  constexpr std::string_view kLine = "level=error event=failed reason=\"the memory does not suffice\"\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kLine.data(), kLine.size());
  _exit(1);
}

}  // namespace

MemoryReserve::MemoryReserve() {
  failed = false;
  reserve = map();
  std::set_new_handler(&new_failed);
  struct sigaction action {};
  action.sa_handler = &aborted;
  sigaction(SIGABRT, &action, nullptr);
}

MemoryReserve::~MemoryReserve() {
  std::signal(SIGABRT, SIG_DFL);
  std::set_new_handler(nullptr);
  unmap(reserve.exchange(nullptr));
}

bool MemoryReserve::is_short() {
  if (failed) return true;
  void* more = map();
  unmap(more);
  return more == nullptr;
}

}  // namespace flashphase::service
