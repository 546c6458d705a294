#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "engine/score/noise.h"
#include "engine/score/score.h"
#include "service/pipeline/infer_worker.h"
#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing_support::kObjectSize;
using testing_support::kPatternSize;
using testing_support::PipelineTest;

/// Which pixel is the brightest.
template <class Values>
std::size_t brightest(const Values& values) {
  const auto darker = [](const auto& a, const auto& b) { return std::abs(a) < std::abs(b); };
  return static_cast<std::size_t>(std::ranges::max_element(values, darker) - values.begin());
}

/// Answers a pattern with a point where the pattern says in its first pixel, and leaves every third to score.
class PointNetwork : public Network {
 public:
  PointNetwork() {
    info_.name = "point";
    info_.pattern_size = kPatternSize;
    info_.object_size = kObjectSize;
    info_.domain = {.photons_min = 0, .photons_max = 0, .unmeasured_max = 1, .centre_offset_max = 100};
  }
  ModelInfo& info() { return info_; }
  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "fp32"; }
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    objects = ObjectBatch(patterns.count, kObjectSize);
    for (int i = 0; i < patterns.count; ++i) {
      const auto at = static_cast<std::size_t>(patterns.intensity_of(i)[0]);
      objects.object_of(i)[at] = 2;
      objects.support_of(i)[at] = 1;
      objects.residual[static_cast<std::size_t>(i)] = at % 3 == 0 ? -1 : static_cast<float>(at);
    }
  }

 private:
  ModelInfo info_;
};

/// Answers only when it is asked for, with up to two batches under way.
class LatePointNetwork final : public PointNetwork {
 public:
  void submit(const PatternBatch& patterns) override {
    under_way_.push_back(patterns);
    EXPECT_LE(under_way_.size(), 2u);
    most_ = std::max(most_, under_way_.size());
  }
  void collect(ObjectBatch& objects) override {
    ASSERT_FALSE(under_way_.empty());
    infer(under_way_.front(), objects);
    under_way_.pop_front();
  }
  int overlap() const override { return 2; }
  std::size_t most_under_way() const { return most_; }

 private:
  std::deque<PatternBatch> under_way_;
  std::size_t most_ = 0;
};

/// Says `number` in its first pixel and has its own shape beside it.
std::shared_ptr<const Pattern> pattern_of(std::uint64_t number) {
  auto pattern = std::make_shared<Pattern>();
  pattern->id.sequence = number;
  pattern->size = kPatternSize;
  pattern->intensity.assign(kPatternSize * kPatternSize, 1.0f);
  pattern->intensity[0] = static_cast<float>(number);
  pattern->intensity[100 + number] = 50.0f * static_cast<float>(number + 1);
  pattern->measured.assign(kPatternSize * kPatternSize, 1);
  pattern->measured[200 + number] = 0;
  pattern->summary = summary_of(pattern->intensity, pattern->measured, kPatternSize);
  return pattern;
}

std::vector<Prepared> batch_of(std::initializer_list<std::uint64_t> numbers) {
  std::vector<Prepared> batch;
  for (const auto number : numbers) batch.push_back({pattern_of(number), Clock::now()});
  return batch;
}

std::vector<std::unique_ptr<Reconstruction>> results_of(Inference& inference,
                                                        const std::vector<Prepared>& batch) {
  inference.submit(batch);
  return inference.collect();
}

TEST(Inference, GivesEachPatternItsOwnObjectAndResidual) {
  PointNetwork network;
  Inference infer(network, std::make_shared<const ModelInfo>(network.info()));
  const auto batch = batch_of({9, 4, 12, 7, 3});
  const auto results = results_of(infer, batch);
  ASSERT_EQ(results.size(), batch.size());
  std::set<float> residuals;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t number = batch[i].pattern->id.sequence;
    EXPECT_EQ(results[i]->pattern, batch[i].pattern);
    EXPECT_EQ(brightest(results[i]->amplitude), number);
    EXPECT_EQ(results[i]->support[number], 1);
    const ObjectBatch start = infer.object(static_cast<int>(i));
    EXPECT_EQ(brightest(start.object), number) << "where refinement starts";
    EXPECT_EQ(start.support[number], 1);
    EXPECT_EQ(start.residual[0], results[i]->residual);
    const float own = score::ModulusScorer(kPatternSize)(
        batch[i].pattern->intensity, batch[i].pattern->measured, start.object, start.size);
    EXPECT_EQ(results[i]->residual, number % 3 == 0 ? own : static_cast<float>(number))
        << "score does what the network has left";
    residuals.insert(results[i]->residual);
  }
  EXPECT_EQ(residuals.size(), batch.size()) << "else a mix-up would not show";
}

TEST(Inference, SaysOfEachPatternWhetherItLiesInTheModelsDomain) {
  PointNetwork network;
  const auto batch = batch_of({1, 8, 2});
  network.info().domain.photons_max = batch[1].pattern->summary.photons - 1;
  Inference infer(network, std::make_shared<const ModelInfo>(network.info()));
  const auto results = results_of(infer, batch);
  EXPECT_TRUE(results[0]->remarks.in_domain());
  EXPECT_FALSE(results[1]->remarks.in_domain());
  EXPECT_TRUE(results[1]->remarks.has(Remark::many_photons));
  EXPECT_TRUE(results[2]->remarks.in_domain());
}

TEST(Inference, CollectsBatchesInTheOrderOfTheirSubmission) {
  LatePointNetwork network;
  Inference inference(network, std::make_shared<const ModelInfo>(network.info()));
  const auto first = batch_of({9, 4}), second = batch_of({5});
  inference.submit(first);
  inference.submit(second);
  EXPECT_EQ(inference.open(), 2u);
  const auto of_first = inference.collect();
  ASSERT_EQ(of_first.size(), 2u);
  EXPECT_EQ(of_first[1]->pattern, first[1].pattern);
  EXPECT_EQ(brightest(of_first[1]->amplitude), 4u);
  EXPECT_EQ(brightest(inference.object(1).object), 4u);
  EXPECT_EQ(brightest(inference.collect()[0]->amplitude), 5u);
  EXPECT_EQ(inference.open(), 0u);
}

class BatchesOfAllSizes : public PipelineTest {
 protected:
  void expect_every_frame_keeps_its_own_image(std::unique_ptr<Network> network);
};

void BatchesOfAllSizes::expect_every_frame_keeps_its_own_image(std::unique_ptr<Network> network) {
  stages.networks.workers.push_back(std::move(network));
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<testing_support::FakeSolver>());
  config.refine_batch = 3;
  config.refine_queue = 1000;
  build();
  for (std::uint64_t i = 0; i < 60; ++i) {
    Frame frame = testing_support::some_frame(i);
    auto pixels = std::make_shared<std::vector<float>>(kPatternSize * kPatternSize, 1.0f);
    pixels->front() = static_cast<float>(i);
    frame.pixels.data = std::as_bytes(std::span(*pixels));
    frame.pixels.storage = pixels;
    source->add(frame);
  }
  EXPECT_EQ(drain().refined, 60u);
  ASSERT_EQ(sink->results().size(), 120u);
  for (const auto& result : sink->results())
    EXPECT_EQ(brightest(result->amplitude), result->pattern->id.sequence);
}

TEST_F(BatchesOfAllSizes, EveryFrameKeepsItsOwnImage) {
  expect_every_frame_keeps_its_own_image(std::make_unique<PointNetwork>());
}

TEST_F(BatchesOfAllSizes, EveryFrameKeepsItsOwnImageWhereBatchesOverlap) {
  expect_every_frame_keeps_its_own_image(std::make_unique<LatePointNetwork>());
}

TEST_F(PipelineTest, TheNetworkIsAtTheNextBatchWhileOneIsDelivered) {
  auto owned = std::make_unique<LatePointNetwork>();
  LatePointNetwork& network = *owned;
  Networks networks;
  networks.workers.push_back(std::move(owned));
  const ModelSlot models(std::move(networks));
  Rejections rejections(metrics, *logger);
  Queue<ToInfer> from(100, WhenFull::block);
  Queue<ToPublish> publish(100, WhenFull::block);
  RefinePool refine(100);
  for (Prepared& prepared : batch_of({1, 2, 3, 4, 5, 6})) (void)from.push(std::move(prepared));
  (void)from.push(publish::RunEvent{});
  for (Prepared& prepared : batch_of({7, 8})) (void)from.push(std::move(prepared));
  from.close();
  config.batch_size = 2;
  InferWorker(models, 0, config, metrics, rejections, from, publish, refine).run();
  EXPECT_EQ(network.most_under_way(), 2u);
  std::vector<std::uint64_t> order;  // 0: the event
  publish.close();
  while (auto item = publish.pop()) {
    const auto* outgoing = std::get_if<Outgoing>(&*item);
    order.push_back(outgoing != nullptr ? outgoing->result->pattern->id.sequence : 0);
  }
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4, 5, 6, 0, 7, 8));
}

TEST_F(PipelineTest, APreparedPatternSaysWhatNoiseLeavesOfIt) {
  const auto prepared = (*stages.prepare)(testing_support::some_frame(3), Clock::now());
  ASSERT_TRUE(prepared);
  const Pattern& pattern = *prepared->pattern;
  EXPECT_GT(pattern.noise_residual, 0);
  EXPECT_EQ(pattern.noise_residual, score::noise_residual(pattern.intensity, pattern.measured));
}

TEST_F(PipelineTest, WhatASinkMissesIsCountedAsThatSinks) {
  class Other : public testing_support::RecordingSink {
   public:
    Other() : RecordingSink(false) {}
    const std::string& name() const override { return name_; }

   private:
    const std::string name_ = "other";
  };
  stages.sinks.push_back(std::make_shared<Other>());
  build();
  feed(3);
  EXPECT_EQ(drain().published, 3u);
  EXPECT_THAT(metric_text(), testing::HasSubstr("flashphase_publish_dropped_total{sink=\"recording\"} 0\n"));
  EXPECT_THAT(metric_text(), testing::HasSubstr("flashphase_publish_dropped_total{sink=\"other\"} 4\n"))
      << "three results and the bye";
}

}  // namespace
}  // namespace flashphase::service
