#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/infer/network.h"
#include "engine/refine/solver.h"
#include "service/ingest/sequence_tracker.h"
#include "service/ingest/source.h"
#include "service/publish/sink.h"

/// Stand-ins for the outside of the pipeline, all in this process.
namespace flashphase::testing_support {

inline constexpr int kPatternSize = 16, kObjectSize = 8;

/// A 16 x 16 float32 frame with one bright pixel.
inline Frame some_frame(std::uint64_t sequence, std::uint64_t run = 1) {
  auto pixels = std::make_shared<std::vector<float>>(kPatternSize * kPatternSize, 1.0f);
  pixels->at(8 * kPatternSize + 8) = 100;
  Frame frame;
  frame.id = {.run = run, .train = sequence, .pulse = 0, .sequence = sequence, .source = "fake"};
  frame.pixels.height = frame.pixels.width = kPatternSize;
  frame.pixels.data = std::as_bytes(std::span(*pixels));
  frame.pixels.storage = pixels;
  frame.arrival = Clock::now();
  return frame;
}

/// Gives what it was told to, then nothing.
class FakeSource : public ingest::Source {
 public:
  explicit FakeSource(std::vector<ingest::Item> items = {}) : items_(items.begin(), items.end()) {}

  std::optional<ingest::Item> next(Clock::time_point deadline) override {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    if (!changed_.wait_until(lock, deadline, [this] { return !items_.empty() || broken_; }))
      return std::nullopt;
    if (broken_) throw std::runtime_error("the source broke");
    auto item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  const std::string& name() const override { return name_; }
  std::string endpoint() const override { return "nowhere"; }
  std::optional<std::string> problem() const override {
    std::lock_guard lock(mutex_);
    return problem_;
  }
  bool waits() const override { return waits_; }
  std::unique_ptr<ingest::LossTracker> make_tracker() const override {
    if (sees_losses_) return std::make_unique<ingest::LossTracker>();
    return std::make_unique<ingest::SequenceTracker>();
  }

  /// Before the pipeline is built.
  void set_waits() { waits_ = true; }
  void sees_its_losses() { sees_losses_ = true; }

  void set_problem(std::optional<std::string> problem) {
    std::lock_guard lock(mutex_);
    problem_ = std::move(problem);
  }

  void add(ingest::Item item) {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    changed_.notify_all();
  }

  void break_down() {
    std::lock_guard lock(mutex_);
    broken_ = true;
    changed_.notify_all();
  }

  /// Until all items are taken and the last one is dealt with (the pipeline asked for another).
  void wait_until_taken() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return items_.empty(); });
    const int before = asked_;
    changed_.wait(lock, [&] { return asked_ > before; });
  }

 private:
  const std::string name_ = "fake";
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ingest::Item> items_;
  std::optional<std::string> problem_;
  int asked_ = 0;
  bool broken_ = false, waits_ = false, sees_losses_ = false;
};

/// Answers each pattern with a uniform object; `before` runs at each call, with the number of patterns.
class FakeNetwork : public Network {
 public:
  explicit FakeNetwork(
      std::function<void(int)> before = [](int) {}, std::string name = "fake")
      : before_(std::move(before)) {
    info_.name = std::move(name);
    info_.hash = "0123";
    info_.pattern_size = kPatternSize;
    info_.object_size = kObjectSize;
  }
  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "fp32"; }

  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    before_(patterns.count);
    objects = ObjectBatch(patterns.count, kObjectSize);
    std::ranges::fill(objects.object, std::complex<float>(2, 0));
    std::ranges::fill(objects.support, std::uint8_t{1});
  }

 private:
  ModelInfo info_;
  std::function<void(int)> before_;
};

/// Gives the start back with residual 0.
class FakeSolver : public refine::Solver {
 public:
  explicit FakeSolver(std::function<void()> before = [] {}) : before_(std::move(before)) {}

  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule&,
             refine::Refined& out) override {
    before_();
    out.objects = ObjectBatch(patterns.count, starts.size);
    out.objects.object = starts.object;
    out.objects.support = starts.support;
    out.objects.residual.assign(static_cast<std::size_t>(patterns.count), 0.0f);
    out.iterations.assign(static_cast<std::size_t>(patterns.count), 7);
  }

 private:
  std::function<void()> before_;
};

/// Holds up whoever passes until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_someone() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

/// Writes down what it gets, in words: "inferred 3", "refined 3", "begin 1", "end 1", "bye"; what is final
/// apart.
class RecordingSink : public publish::Sink {
 public:
  explicit RecordingSink(bool accepts = true) : accepts_(accepts) {}

  const std::string& name() const override { return name_; }
  bool take(const std::shared_ptr<const Reconstruction>& result) override {
    note((result->stage == ResultStage::inferred ? "inferred " : "refined ") +
         std::to_string(result->pattern->id.sequence));
    std::lock_guard lock(mutex_);
    results_.push_back(result);
    return accepts_;
  }
  bool take(const publish::RunEvent& event) override {
    note((event.kind == publish::RunEvent::Kind::begin ? "begin " : "end ") + std::to_string(event.run));
    std::lock_guard lock(mutex_);
    last_event_ = event;
    return accepts_;
  }
  bool take(const publish::Final& final) override {
    std::lock_guard lock(mutex_);
    finals_.push_back({words_.size(), final.id.sequence});
    return true;
  }
  bool take(const publish::Bye& bye) override {
    note("bye");
    std::lock_guard lock(mutex_);
    bye_ = bye;
    return accepts_;
  }

  std::vector<std::string> words() const {
    std::lock_guard lock(mutex_);
    return words_;
  }
  std::vector<std::shared_ptr<const Reconstruction>> results() const {
    std::lock_guard lock(mutex_);
    return results_;
  }
  struct FinalFrame {
    std::size_t words = 0;  ///< that came before
    std::uint64_t sequence = 0;
  };
  std::vector<FinalFrame> finals() const {
    std::lock_guard lock(mutex_);
    return finals_;
  }
  publish::RunEvent last_event() const {
    std::lock_guard lock(mutex_);
    return last_event_;
  }
  std::optional<publish::Bye> bye() const {
    std::lock_guard lock(mutex_);
    return bye_;
  }
  void wait_for(std::size_t words) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return words_.size() >= words; });
  }

 private:
  void note(const std::string& word) {
    std::lock_guard lock(mutex_);
    words_.push_back(word);
    changed_.notify_all();
  }

  const std::string name_ = "recording";
  const bool accepts_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> words_;
  std::vector<FinalFrame> finals_;
  std::vector<std::shared_ptr<const Reconstruction>> results_;
  publish::RunEvent last_event_;
  std::optional<publish::Bye> bye_;
};

}  // namespace flashphase::testing_support
