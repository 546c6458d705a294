#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace flashphase::device {

/// A block of threads that run in turn between two barriers (block.h).
class EmulatedBlock {
 public:
  static constexpr int kWarp = 32;
  static constexpr int kUniform = -1;  // all threads at once

  explicit EmulatedBlock(int threads) : threads_(threads) {}
  EmulatedBlock(const EmulatedBlock&) = delete;
  EmulatedBlock& operator=(const EmulatedBlock&) = delete;

  template <class T>
  class PerThread {
   public:
    explicit PerThread(const EmulatedBlock& block) : values_(static_cast<std::size_t>(block.threads())) {}
    T& operator[](int thread) { return values_[static_cast<std::size_t>(thread)]; }
    const T& operator[](int thread) const { return values_[static_cast<std::size_t>(thread)]; }

   private:
    std::vector<T> values_;
  };

  int threads() const { return threads_; }

  template <class Work>
  void each(Work work) {
    for (thread_ = 0; thread_ < threads_; ++thread_) work(thread_);
    thread_ = kUniform;
  }
  void sync(std::source_location where = std::source_location::current()) {
    if (passes_barrier(where)) ++interval_, ++warp_interval_;
  }
  void sync_warps(std::source_location where = std::source_location::current()) {
    if (passes_barrier(where)) ++warp_interval_;
  }
  /// Leaves out the barrier of this number, counted as they come from 0.
  void drop_barrier(int number) { dropped_ = number; }
  /// Where each barrier so far stands in the source.
  const std::vector<std::string>& barriers() const { return barriers_; }
  float inverse_root(float x) const { return 1 / std::sqrt(x); }
  float cos_pi(float x) const { return static_cast<float>(std::cos(M_PI * static_cast<double>(x))); }
  float sin_pi(float x) const { return static_cast<float>(std::sin(M_PI * static_cast<double>(x))); }
  /// Time goes on by a millisecond a look.
  int now_ms() const { return now_ms_++; }

  int thread() const { return thread_; }
  int interval() const { return interval_; }            ///< between two barriers of the block
  int warp_interval() const { return warp_interval_; }  ///< between two barriers of either kind

 private:
  bool passes_barrier(const std::source_location& where) {
    barriers_.push_back(std::string(where.file_name()) + ":" + std::to_string(where.line()));
    return static_cast<int>(barriers_.size()) - 1 != dropped_;
  }

  int threads_;
  int thread_ = kUniform;
  int interval_ = 0;
  int warp_interval_ = 0;
  std::vector<std::string> barriers_;
  int dropped_ = -1;
  mutable int now_ms_ = 0;
};

/// What touched a word since the last barrier of the block.
class Touches {
 public:
  void add(const EmulatedBlock& block) {
    if (interval_ != block.interval()) {
      interval_ = block.interval();
      warps_ = 0;
    }
    if (warp_interval_ != block.warp_interval()) {
      warp_interval_ = block.warp_interval();
      thread_ = block.thread();
    } else if (thread_ != block.thread()) {
      thread_ = EmulatedBlock::kUniform;
    }
    warps_ |= warps_of(block);
  }

  /// A thread other than the block's present one touched it, and no barrier lies between.
  bool others(const EmulatedBlock& block) const {
    if (interval_ != block.interval()) return false;
    const std::uint32_t mine = warps_of(block);
    if ((warps_ & ~mine) != 0 || (block.thread() == EmulatedBlock::kUniform && warps_ != 0)) return true;
    return warp_interval_ == block.warp_interval() && thread_ != block.thread();
  }

 private:
  static std::uint32_t warps_of(const EmulatedBlock& block) {
    if (block.thread() == EmulatedBlock::kUniform) return ~0u;
    return 1u << block.thread() / EmulatedBlock::kWarp;
  }

  int interval_ = -1;
  int warp_interval_ = -1;
  int thread_ = 0;
  std::uint32_t warps_ = 0;
};

/// Memory of 4-byte words that the threads of a block share, with a record of who touched what. The first
/// race, two threads at one word between two barriers and one of them writing, throws std::logic_error.
class SharedMemory {
 public:
  SharedMemory(EmulatedBlock& block, std::size_t words)
      : block_(block), words_(words), read_(words), written_(words) {}

  template <class T>
  class Pointer {
   public:
    class Reference {
     public:
      Reference(SharedMemory& memory, std::size_t word) : memory_(memory), word_(word) {}
      operator T() const {  // NOLINT: stands for a T
        memory_.touch(word_, sizeof(T) / 4, false);
        T value;
        std::memcpy(&value, memory_.words_.data() + word_, sizeof(T));
        return value;
      }
      const Reference& operator=(T value) const {
        memory_.touch(word_, sizeof(T) / 4, true);
        std::memcpy(memory_.words_.data() + word_, &value, sizeof(T));
        return *this;
      }

     private:
      SharedMemory& memory_;
      std::size_t word_;
    };

    Pointer(SharedMemory& memory, std::size_t first_word) : memory_(&memory), first_(first_word) {}
    Reference operator[](std::ptrdiff_t i) const {
      return {*memory_, first_ + static_cast<std::size_t>(i) * (sizeof(T) / 4)};
    }
    Pointer operator+(int count) const {
      return {*memory_, first_ + static_cast<std::size_t>(count) * (sizeof(T) / 4)};
    }

   private:
    SharedMemory* memory_;
    std::size_t first_;
  };

  template <class T>
  Pointer<T> at(std::size_t first_word) {
    return {*this, first_word};
  }

 private:
  void touch(std::size_t first, std::size_t count, bool writes) {
    for (std::size_t word = first; word < first + count; ++word) {
      if (word >= words_.size()) fail("outside", word);
      if (written_[word].others(block_)) fail(writes ? "written twice" : "read while written", word);
      if (writes && read_[word].others(block_)) fail("written while read", word);
      (writes ? written_ : read_)[word].add(block_);
    }
  }
  [[noreturn]] void fail(const char* what, std::size_t word) const {
    std::ostringstream text;
    text << "shared word " << word << ' ' << what << ", thread " << block_.thread() << " of "
         << block_.threads() << ", interval " << block_.interval() << " (" << block_.warp_interval()
         << " with those of warps)";
    throw std::logic_error(text.str());
  }

  EmulatedBlock& block_;
  std::vector<float> words_;
  std::vector<Touches> read_, written_;
};

}  // namespace flashphase::device
