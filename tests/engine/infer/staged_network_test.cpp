#include "engine/infer/staged_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "engine/device/device_lost.h"

namespace flashphase::infer {
namespace {

using testing::ElementsAre;

constexpr int kM = 4, kN = 2;
const BlockLayout kLayout{kM, kN};

/// What happened to the device, in words: "prepare 4", "start 0 4", "wait 0".
struct Diary {
  std::vector<std::string> words;
  int memory_for = 1000;  ///< larger buckets do not fit
  int lost_after = 1000;  ///< starts
};

/// Answers each pattern, when waited for, with objects that hold its first pixel.
class FakeDevice final : public StagedDevice {
 public:
  explicit FakeDevice(Diary& diary) : diary_(diary) {}

  void prepare(int bucket) override {
    diary_.words.push_back("prepare " + std::to_string(bucket));
    make_room(bucket);
    for (Slot& slot : slots_) {
      slot.in.resize(std::max(slot.in.size(), kLayout.input_bytes(bucket)));
      slot.out.resize(std::max(slot.out.size(), kLayout.output_bytes(bucket)));
    }
  }
  std::byte* input(int slot) override { return at(slot).in.data(); }
  const std::byte* output(int slot) override { return at(slot).out.data(); }
  void start(int slot, int bucket) override {
    diary_.words.push_back("start " + std::to_string(slot) + " " + std::to_string(bucket));
    make_room(bucket);
    if (diary_.lost_after-- == 0) throw DeviceLost("GPU 0 fell off the bus");
    ASSERT_EQ(at(slot).running, 0) << "the slot's last answer was not waited for";
    at(slot).running = bucket;
  }
  void wait(int slot) override {
    diary_.words.push_back("wait " + std::to_string(slot));
    Slot& waited = at(slot);
    const auto bucket = static_cast<std::size_t>(waited.running);
    std::vector<float> intensity(bucket * kM * kM), residual(bucket);
    std::vector<std::complex<float>> object(bucket * kN * kN);
    std::memcpy(intensity.data(), waited.in.data(), intensity.size() * sizeof(float));
    for (std::size_t i = 0; i < bucket; ++i) {
      const float value = intensity[i * kM * kM];
      std::fill_n(object.begin() + static_cast<std::ptrdiff_t>(i * kN * kN), kN * kN, value);
      residual[i] = value / 10;
      std::memset(waited.out.data() + kLayout.support_at(waited.running) + i * kN * kN,
                  static_cast<int>(waited.in[kLayout.measured_at(waited.running) + i * kM * kM]), kN * kN);
    }
    std::memcpy(waited.out.data(), object.data(), object.size() * sizeof(object[0]));
    std::memcpy(waited.out.data() + kLayout.residual_at(waited.running), residual.data(),
                residual.size() * sizeof(float));
    waited.running = 0;
  }
  DeviceTimes times(int) const override { return {1, 2}; }

 private:
  struct Slot {
    std::vector<std::byte> in, out;
    int running = 0;
  };
  Slot& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  void make_room(int bucket) const {
    if (bucket > diary_.memory_for) throw OutOfDeviceMemory("no room");
  }

  Diary& diary_;
  std::array<Slot, kSlots> slots_;
};

class StagedNetworkTest : public testing::Test {
 protected:
  void build(std::vector<int> buckets) {
    ModelInfo info;
    info.name = "fake";
    info.pattern_size = kM;
    info.object_size = kN;
    network_ = std::make_unique<StagedNetwork>(info, "fp32", std::make_unique<FakeDevice>(diary_),
                                               std::move(buckets));
    prepared_ = std::exchange(diary_.words, {});
  }

  /// Pattern i is i + 1 everywhere; every other one is not measured.
  ObjectBatch infer(int count) {
    PatternBatch patterns(count, kM);
    for (std::size_t i = 0; i < patterns.cells(); ++i) {
      patterns.intensity[i] = static_cast<float>(i / patterns.pattern_cells() + 1);
      patterns.measured[i] = i / patterns.pattern_cells() % 2 == 0;
    }
    ObjectBatch objects;
    network_->infer(patterns, objects);
    return objects;
  }

  void expect_every_answer_in_its_place(int count) {
    const ObjectBatch objects = infer(count);
    ASSERT_EQ(objects.count, count);
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(objects.object_of(i).back(), static_cast<float>(i + 1)) << i << " of " << count;
      EXPECT_EQ(objects.residual[static_cast<std::size_t>(i)], static_cast<float>(i + 1) / 10);
      EXPECT_EQ(objects.support_of(i).back(), i % 2 == 0);
    }
  }

  Diary diary_;
  std::vector<std::string> prepared_;
  std::unique_ptr<StagedNetwork> network_;
};

TEST(Buckets, ArePowersOfTwoUpToTheLargest) {
  EXPECT_THAT(buckets_up_to(1), ElementsAre(1));
  EXPECT_THAT(buckets_up_to(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(buckets_up_to(12), ElementsAre(1, 2, 4, 8, 12));
}

TEST_F(StagedNetworkTest, PreparesTheLargestBucketFirst) {
  build({1, 2, 4});
  EXPECT_THAT(prepared_, ElementsAre("prepare 4", "prepare 2", "prepare 1"));
}

TEST_F(StagedNetworkTest, SendsABatchToTheSmallestBucketThatHoldsIt) {
  build({1, 2, 4, 8});
  infer(3);
  EXPECT_THAT(diary_.words, ElementsAre("start 0 4", "wait 0"));
  diary_.words.clear();
  infer(1);
  EXPECT_THAT(diary_.words, ElementsAre("start 1 1", "wait 1"));
}

TEST_F(StagedNetworkTest, CutsALargeBatchAndKeepsTwoChunksUnderWay) {
  build({1, 2, 4});
  infer(13);
  EXPECT_THAT(diary_.words, ElementsAre("start 0 4", "start 1 4", "wait 0", "start 0 4", "wait 1",
                                        "start 1 1", "wait 0", "wait 1"));
}

TEST_F(StagedNetworkTest, BeginsWithASecondBatchBeforeTheFirstIsCollected) {
  build({1, 2, 4});
  ASSERT_EQ(network_->overlap(), 2);
  PatternBatch first(3, kM), second(1, kM), large(9, kM);
  std::ranges::fill(first.intensity, 3.0f);
  std::ranges::fill(second.intensity, 5.0f);
  std::ranges::fill(large.intensity, 7.0f);
  network_->submit(first);
  network_->submit(second);
  EXPECT_THAT(diary_.words, ElementsAre("start 0 4", "start 1 1"));
  ObjectBatch objects;
  network_->collect(objects);
  EXPECT_THAT(objects.residual, ElementsAre(0.3f, 0.3f, 0.3f));
  network_->submit(large);  // more chunks than slots: those of the second batch are settled on the way
  network_->collect(objects);
  EXPECT_THAT(objects.residual, ElementsAre(0.5f));
  network_->collect(objects);
  EXPECT_THAT(objects.residual, testing::AllOf(testing::SizeIs(9), testing::Each(0.7f)));
}

TEST_F(StagedNetworkTest, PutsEveryAnswerInItsPlace) {
  build({1, 2, 4});
  for (const int count : {0, 1, 2, 3, 4, 5, 8, 13, 2}) expect_every_answer_in_its_place(count);
  EXPECT_EQ(network_->last_times().total, 2);
}

TEST_F(StagedNetworkTest, GivesUpBucketsThatDoNotFitAndCountsThem) {
  diary_.memory_for = 3;
  build({1, 2, 4, 8});
  EXPECT_THAT(network_->buckets(), ElementsAre(1, 2));
  EXPECT_EQ(network_->out_of_memory(), 2u);
  expect_every_answer_in_its_place(7);
}

TEST_F(StagedNetworkTest, GoesOnWithASmallerBucketWhenMemoryRunsOutLater) {
  build({1, 2, 4});
  diary_.memory_for = 2;
  expect_every_answer_in_its_place(5);
  EXPECT_THAT(network_->buckets(), ElementsAre(1, 2));
  EXPECT_EQ(network_->out_of_memory(), 1u);
  expect_every_answer_in_its_place(5);
  EXPECT_EQ(network_->out_of_memory(), 1u);
}

TEST_F(StagedNetworkTest, SaysWhenThereIsNoMemoryForASinglePattern) {
  diary_.memory_for = 0;
  EXPECT_THROW(build({1, 2}), std::runtime_error);
}

TEST_F(StagedNetworkTest, LetsALostDeviceThroughFromAnyChunk) {
  build({1, 2});
  diary_.lost_after = 2;
  EXPECT_THROW(infer(7), DeviceLost);
}

TEST_F(StagedNetworkTest, RefusesAPatternOfAnotherSize) {
  build({1});
  ObjectBatch objects;
  EXPECT_THROW(network_->infer(PatternBatch(1, 8), objects), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::infer
