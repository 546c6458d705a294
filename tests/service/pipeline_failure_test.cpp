#include "service/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "engine/frame/device_lost.h"
#include "tests/service/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using testing_support::count;
using testing_support::FakeNetwork;
using testing_support::FakeSolver;
using testing_support::PipelineTest;
using testing_support::some_frame;

TEST_F(PipelineTest, RejectsAndCountsWhatCannotBeProcessed) {
  build();
  source->add(ingest::Rejected{Rejection::bad_message});
  source->add(some_frame(0));
  source->add(some_frame(0));
  Frame dark = some_frame(1);
  const std::vector<float> zeros(256, 0.0f);
  dark.pixels = std::as_bytes(std::span(zeros));
  source->add(dark);
  Frame unmeasured = some_frame(2);
  const std::vector<float> nans(256, std::numeric_limits<float>::quiet_NaN());
  unmeasured.pixels = std::as_bytes(std::span(nans));
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
  stages.networks.push_back(std::make_unique<FakeNetwork>([&](int) {
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
  stages.networks.push_back(
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
  EXPECT_GE(count(accounts, RefineLoss::failed), 1u);
}

}  // namespace
}  // namespace flashphase::service
