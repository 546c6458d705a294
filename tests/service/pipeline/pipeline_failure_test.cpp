#include "service/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "engine/device/device_lost.h"
#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::FakePreparation;
using testing_support::FakeSolver;
using testing_support::Gate;
using testing_support::PipelineTest;
using testing_support::RecordingSink;
using testing_support::some_frame;

TEST_F(PipelineTest, RejectsAndCountsWhatCannotBeProcessed) {
  build();
  source->add(ingest::Rejected{Rejection::bad_message});
  source->add(some_frame(0));
  source->add(some_frame(0));
  Frame dark = some_frame(1);
  const std::vector<float> zeros(256, 0.0f);
  dark.pixels.data = std::as_bytes(std::span(zeros));
  source->add(dark);
  Frame unmeasured = some_frame(2);
  const std::vector<float> nans(256, std::numeric_limits<float>::quiet_NaN());
  unmeasured.pixels.data = std::as_bytes(std::span(nans));
  source->add(unmeasured);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.received, 5u);
  EXPECT_EQ(accounts.published, 1u);
  EXPECT_EQ(count(accounts, Rejection::bad_message), 1u);
  EXPECT_EQ(count(accounts, Rejection::duplicate), 1u);
  EXPECT_EQ(count(accounts, Rejection::no_signal), 1u);
  EXPECT_EQ(count(accounts, Rejection::nothing_measured), 1u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(pipeline->state(), State::stopped);
}

TEST_F(PipelineTest, ANetworkThatThrowsFailsThePipelineAndStillAccountsForEveryFrame) {
  std::atomic<int> calls{0};
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) {
    if (calls++ == 2) throw std::runtime_error("out of memory");
  }));
  build();
  feed(100);
  const Accounts accounts = wait_for_failure();
  EXPECT_EQ(pipeline->state(), State::failed);
  ASSERT_TRUE(pipeline->failure());
  EXPECT_EQ(pipeline->failure()->sentence, "infer: out of memory");
  EXPECT_FALSE(pipeline->failure()->device_lost);
  EXPECT_GT(count(accounts, Stage::infer, DropReason::failed), 0u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_FALSE(sink->bye()) << "a bye is a promise that all is done";
}

TEST_F(PipelineTest, ALostDeviceIsToldFromOtherFailures) {
  stages.networks.workers.push_back(
      std::make_unique<FakeNetwork>([](int) { throw DeviceLost("GPU 0 fell off the bus"); }));
  build();
  feed(1);
  wait_for_failure();
  EXPECT_TRUE(pipeline->failure()->device_lost);
}

TEST_F(PipelineTest, ASourceThatBreaksFailsThePipeline) {
  build();
  feed(3);
  source->wait_until_taken();
  source->break_down();
  EXPECT_TRUE(wait_for_failure().accounted());
  EXPECT_EQ(pipeline->failure()->sentence, "ingest: the source broke");
}

TEST_F(PipelineTest, ASolverThatBreaksFailsThePipelineAndEveryRefinementIsAccountedFor) {
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>([] { throw std::runtime_error("broken"); }));
  build();
  feed(10);
  const Accounts accounts = wait_for_failure();
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(accounts.refined, 0u);
  EXPECT_EQ(count(accounts, RefineLoss::queue_full), 0u) << "nothing was full";
  EXPECT_GE(count(accounts, RefineLoss::failed), 1u);
}

/// Opens a gate when something is logged: of a failure, once all queues are closed.
class OpensAtALine : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit OpensAtALine(Gate& gate) : gate_(gate) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (std::string_view(message.payload.data(), message.payload.size()).starts_with("event=failed"))
      gate_.open();
  }
  void flush_() override {}
  Gate& gate_;
};

TEST_F(PipelineTest, AFrameThatAFailureKeepsFromTheSinksAsksForNoRefinement) {
  Gate gate;
  logger = std::make_shared<spdlog::logger>("test", std::make_shared<OpensAtALine>(gate));
  config.refine_policy = RefinePolicy::all;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) { gate.pass(); }));
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  build();
  feed(1);
  gate.wait_for_someone();
  source->break_down();
  const Accounts accounts = wait_for_failure();
  EXPECT_EQ(count(accounts, RefineLoss::queue_full), 0u);
  EXPECT_EQ(count(accounts, RefineLoss::failed), 0u);
  EXPECT_EQ(count(accounts, Stage::infer, DropReason::failed), 1u);
  EXPECT_TRUE(accounts.accounted());
}

TEST_F(PipelineTest, AFrameThatWaitsAtTheFirstQueueWhenTheFailureComesHasFailedAndWasNotTooMuch) {
  Gate gate;
  source->set_waits();
  config.ingest_queue = config.batch_size = 1;
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([&](int) {
    gate.pass();
    throw std::runtime_error("broken");
  }));
  build();
  feed(100);
  // One in the network, 64 before it, one in preprocess, one before it, and one that ingest cannot pass on.
  while (metrics.accounts().received < 68) std::this_thread::yield();
  while (pipeline->queued()[static_cast<std::size_t>(Edge::infer)] < 64) std::this_thread::yield();
  gate.open();
  const Accounts accounts = wait_for_failure();
  EXPECT_EQ(count(accounts, Stage::ingest, DropReason::queue_full), 0u);
  EXPECT_EQ(count(accounts, Stage::ingest, DropReason::failed), 1u);
  EXPECT_EQ(accounts.received, 68u);
  EXPECT_TRUE(accounts.accounted());
}

TEST_F(PipelineTest, APreparationThatThrowsFailsThePipelineAndStillAccountsForEveryFrame) {
  stages.prepare = std::make_unique<FakePreparation>(*stages.prepare, [](const Frame& frame) {
    if (frame.id.sequence == 40) throw std::runtime_error("a number too many");
  });
  source->set_waits();
  build();
  feed(100);
  const Accounts accounts = wait_for_failure();
  EXPECT_EQ(pipeline->failure()->sentence, "preprocess: a number too many");
  EXPECT_GE(count(accounts, Stage::preprocess, DropReason::failed), 1u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_LE(accounts.published, 40u);
  EXPECT_FALSE(sink->bye());
}

/// Throws at what it is told to: "inferred", "refined", "run", "tend" or "bye".
class ThrowingSink : public RecordingSink {
 public:
  explicit ThrowingSink(std::string at) : at_(std::move(at)) {}
  bool take(const std::shared_ptr<const Reconstruction>& result) override {
    if (result->pattern->id.sequence == 3)
      throw_at(result->stage == ResultStage::inferred ? "inferred" : "refined");
    return RecordingSink::take(result);
  }
  bool take(const publish::RunEvent& event) override {
    throw_at("run");
    return RecordingSink::take(event);
  }
  bool take(const publish::Bye& bye) override {
    throw_at("bye");
    return RecordingSink::take(bye);
  }
  void tend() override { throw_at("tend"); }

 private:
  void throw_at(const std::string& what) const {
    if (what == at_) throw std::runtime_error("no " + what + " goes out");
  }
  const std::string at_;
};

class ASinkThatThrows : public PipelineTest, public testing::WithParamInterface<const char*> {};

TEST_P(ASinkThatThrows, FailsThePipelineAndStillAccountsForEveryFrame) {
  const std::string at = GetParam();
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  stages.sinks.push_back(std::make_shared<ThrowingSink>(at));
  build();
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 10});
  feed(10);
  if (at == "bye") {
    source->wait_until_taken();
    pipeline->stop();
  }
  const Accounts accounts = wait_for_failure();
  ASSERT_TRUE(pipeline->failure());
  EXPECT_EQ(pipeline->failure()->sentence, "publish: no " + at + " goes out");
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(count(accounts, RefineLoss::queue_full), 0u);
  if (at == "inferred") {
    EXPECT_EQ(accounts.published, 3u);
    EXPECT_GE(count(accounts, Stage::publish, DropReason::failed), 1u);
  }
  if (at == "refined") {
    EXPECT_EQ(accounts.refined, 3u);
    EXPECT_GE(count(accounts, RefineLoss::failed), 1u);
  }
  if (at == "bye") {
    EXPECT_EQ(accounts.published, 10u);
  }
}

INSTANTIATE_TEST_SUITE_P(At, ASinkThatThrows, testing::Values("inferred", "refined", "run", "tend", "bye"),
                         [](const auto& of) { return std::string(of.param); });

TEST_F(PipelineTest, MemoryThatDoesNotSufficeIsSaidOfTheStageThatWantedIt) {
  stages.networks.workers.push_back(std::make_unique<FakeNetwork>([](int) { throw std::bad_alloc(); }));
  build();
  feed(1);
  EXPECT_TRUE(wait_for_failure().accounted());
  EXPECT_EQ(pipeline->failure()->sentence, "infer: the memory does not suffice");
  EXPECT_FALSE(pipeline->failure()->device_lost);
}

}  // namespace
}  // namespace flashphase::service
