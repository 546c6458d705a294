#pragma once

#include <chrono>
#include <complex>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "engine/frame/frame.h"
#include "engine/refine/loop/iterate.h"
#include "engine/refine/loop/support_update.h"
#include "engine/refine/results.h"
#include "engine/refine/schedule.h"
#include "engine/refine/starts/conclude.h"

namespace flashphase::refine::cpu {

/// The best candidate of a start (see Solver).
class Best {
 public:
  explicit Best(int n);

  void clear();
  /// The support changed, or the likelihood rose: the next candidate replaces this one whatever its residual.
  void outdate() { outdated_ = true; }
  void consider(const Iterate& iterate, const Fit& fit);

  int size() const { return static_cast<int>(n_); }
  double chi2() const { return chi2_; }
  std::span<const std::complex<float>> object() const { return object_; }
  std::span<const std::uint8_t> support() const { return support_; }

 private:
  std::size_t n_;
  double chi2_ = std::numeric_limits<double>::infinity();
  bool outdated_ = false;
  std::vector<std::complex<float>> object_;
  std::vector<std::uint8_t> support_;
};

/// One frame of a batch.
struct FrameTask {
  const PatternBatch& patterns;
  const Starts& starts;
  const Schedule& schedule;
  int frame = 0;
  std::uint64_t ticket = 0;  ///< of this frame in this batch alone, above 0
  std::vector<std::uint8_t> support;
};

/// What works on one start at a time, for patterns [m, m] and objects [n, n], and the memory for it, kept
/// from batch to batch. Thread: one at a time.
class Lane {
 public:
  Lane(int m, int n) : conclude(m, true), iterate_(m), support_update_(n), best_(n) {}

  bool fits(int m, int n) const { return iterate_.size() == m && best_.size() == n; }
  /// Of the frame whose pattern it has.
  std::uint64_t ticket() const { return ticket_; }

  /// Takes the frame's pattern unless it has it. False when it is dark.
  bool take(const FrameTask& task);

  /// The schedule from one of the frame's starts [n, n]; the best candidate, or a zero object where it comes
  /// to nothing, goes to results[which]. Ends after `time_limit` with what it has then. The frame is the one
  /// taken last.
  void run(const FrameTask& task, std::span<const std::complex<float>> start,
           std::chrono::nanoseconds time_limit, int which, Results& results);

  Conclusion conclude;

 private:
  struct Progress {
    int total = 0;
    Clock::time_point begin;
    int done = 0;
    bool candidate = true;  // the iterate is zero outside its support
    double lowest = std::numeric_limits<double>::infinity();
    int lowest_at = 0;
  };

  int iterate(const Schedule& schedule, std::chrono::nanoseconds time_limit);
  void advance(const Step& step, const Update& update, int done, bool candidate, const Fit& fit);
  static bool stagnates(const Stop& stop, const Fit& fit, Progress& progress);
  int finish(const Progress& progress);
  void update_support(const ShrinkWrap& wrap, Progress& progress);

  Iterate iterate_;
  SupportUpdate support_update_;
  Best best_;
  std::uint64_t ticket_ = 0;
};

}  // namespace flashphase::refine::cpu
