#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace flashphase {

/// Calls work(worker, i) for i = 0 ... count - 1 on at most `threads` threads, the caller's among them, each
/// of which takes the next i when it is free; `worker` numbers them from 0. Returns when all is done. What
/// `work` throws first ends the rest and comes out here.
template <class Work>
void share_out(int threads, int count, const Work& work) {
  std::atomic<int> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto serve = [&](int worker) {
    try {
      for (int i = next++; i < count; i = next++) work(worker, i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int worker = 1; worker < std::min(threads, count); ++worker) others.emplace_back(serve, worker);
    serve(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace flashphase
