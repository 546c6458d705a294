#include "service/monitor/memory_shortage.h"

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

/// glibc takes 128 MiB of address space for the heap of a thread before it gives back what it does not need:
/// an allocation of a few bytes may fail where less than that is left.
constexpr std::size_t kShort = std::size_t{256} << 20;

void* map(std::size_t bytes) {
  void* mapped =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

void unmap(void* mapped, std::size_t bytes) {
  if (mapped != nullptr) munmap(mapped, bytes);
}

[[noreturn]] void new_failed() {
  failed = true;
  unmap(reserve.exchange(nullptr), MemoryReserve::kReserve);
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

}  // namespace flashphase::service

/// In place of the C library's, for libraries too. Threads of libzmq block all signals, and glibc from 2.41
/// on does not unblock this one before it raises it, so that its handler would not be asked.
extern "C" [[noreturn]] void abort() noexcept {
  sigset_t just_this;
  sigemptyset(&just_this);
  sigaddset(&just_this, SIGABRT);
  pthread_sigmask(SIG_UNBLOCK, &just_this, nullptr);
  std::raise(SIGABRT);
  std::signal(SIGABRT, SIG_DFL);
  std::raise(SIGABRT);
  _exit(128 + SIGABRT);
}

namespace flashphase::service {

MemoryReserve::MemoryReserve() {
  failed = false;
  reserve = map(kReserve);
  std::set_new_handler(&new_failed);
  struct sigaction action {};
  action.sa_handler = &aborted;
  sigaction(SIGABRT, &action, nullptr);
}

MemoryReserve::~MemoryReserve() {
  std::signal(SIGABRT, SIG_DFL);
  std::set_new_handler(nullptr);
  unmap(reserve.exchange(nullptr), kReserve);
}

bool MemoryReserve::is_short() {
  if (failed) return true;
  void* more = map(kShort);
  unmap(more, kShort);
  return more == nullptr;
}

}  // namespace flashphase::service
