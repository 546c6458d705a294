#pragma once

#include <atomic>
#include <functional>

namespace flashphase {

/// Cores that threads share for what they have to do. Who computes has a Place; where places are left over,
/// the work of those threads is shared out to helpers (run). A helper is a thread that its caller starts,
/// with the caller's nice value, mask and name, and joins before run() returns: nothing is left to end. It
/// comes when a place is free, between two items too, and goes when another thread takes a place that was
/// its. Thread-safe.
class Crew {
 public:
  /// At least one.
  explicit Crew(int cores) : free_(cores) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// The core of a thread that computes: there at once, whoever has to leave for it.
  class Place {
   public:
    explicit Place(Crew& crew) : crew_(crew) { --crew_.free_; }
    ~Place() { ++crew_.free_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Crew& crew_;
  };

  /// Calls work(i) for i = 0 ... count - 1, each once, here and on helpers while places are free; returns
  /// when all is done. What `work` throws first, wherever, ends the rest and comes out here, once. A helper
  /// that the system does not give is done without. `work` may call run() itself. Precondition: the caller
  /// has a Place, or is a helper.
  void run(int count, const std::function<void(int)>& work);

  /// Places that nobody has; below zero while helpers are about to go.
  int free() const { return free_; }

 private:
  class Job;

  bool take_free();
  bool give_up();

  std::atomic<int> free_;
};

}  // namespace flashphase
