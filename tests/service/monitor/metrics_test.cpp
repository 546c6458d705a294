#include "service/monitor/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace flashphase::service {
namespace {

using testing::HasSubstr;

class MetricsTest : public testing::Test {
 protected:
  std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  static Reconstruction result(ResultStage stage, float residual) {
    auto pattern = std::make_shared<Pattern>();
    Reconstruction made;
    made.pattern = pattern;
    made.stage = stage;
    made.residual = residual;
    made.times[Stage::infer] = 0.003f;
    made.times[Stage::refine] = stage == ResultStage::refined ? 0.5f : 0.0f;
    return made;
  }

  prometheus::Registry registry_;
  Metrics metrics_{registry_, {"left", "right"}};
};

TEST_F(MetricsTest, EveryLabelValueIsThereAtZeroFromTheStart) {
  const std::string start = text();
  for (const char* source : {"left", "right"})
    EXPECT_THAT(start,
                HasSubstr("flashphase_frames_received_total{source=\"" + std::string(source) + "\"} 0\n"));
  for (std::size_t i = 0; i < kRejectionCount; ++i)
    EXPECT_THAT(start, HasSubstr("flashphase_frames_rejected_total{reason=\"" +
                                 std::string(rejection_name(static_cast<Rejection>(i))) + "\"} 0\n"));
  for (const char* stage : {"ingest", "select", "preprocess", "batch", "infer", "score", "publish"})
    for (const auto reason : kDropReasons)
      EXPECT_THAT(start, HasSubstr("flashphase_frames_dropped_total{reason=\"" + std::string(reason) +
                                   "\",stage=\"" + stage + "\"} 0\n"));
  for (const char* stage : {"inferred", "refined"}) {
    EXPECT_THAT(start,
                HasSubstr("flashphase_frames_published_total{stage=\"" + std::string(stage) + "\"} 0\n"));
    EXPECT_THAT(start,
                HasSubstr("flashphase_latency_seconds_count{stage=\"" + std::string(stage) + "\"} 0\n"));
  }
  for (const auto reason : kRefineLosses)
    EXPECT_THAT(
        start, HasSubstr("flashphase_refinements_dropped_total{reason=\"" + std::string(reason) + "\"} 0\n"));
  EXPECT_THAT(start, HasSubstr("flashphase_build_info{version="));
  EXPECT_THAT(start, HasSubstr("flashphase_state{state=\"starting\"} 1\n"));
}

TEST_F(MetricsTest, TheAccountsAddUp) {
  for (int i = 0; i < 6; ++i) metrics_.received(static_cast<std::size_t>(i % 2));
  metrics_.rejected(Rejection::not_a_hit);
  metrics_.dropped(Stage::ingest, DropReason::queue_full, 2);
  metrics_.dropped(Stage::infer, DropReason::failed, 0);
  metrics_.published(result(ResultStage::inferred, 0.01f), Clock::now());
  metrics_.published(result(ResultStage::refined, 0.001f), Clock::now());
  Accounts accounts = metrics_.accounts();
  EXPECT_EQ(accounts.received, 6u);
  EXPECT_EQ(accounts.published, 1u);
  EXPECT_EQ(accounts.refined, 1u);
  EXPECT_EQ(accounts.rejected_total(), 1u);
  EXPECT_EQ(accounts.dropped_total(), 2u);
  EXPECT_EQ(accounts.in_flight(), 2);
  EXPECT_FALSE(accounts.accounted());
  for (int i = 0; i < 3; ++i) metrics_.rejected(Rejection::duplicate);
  EXPECT_EQ(metrics_.accounts().in_flight(), -1);
  EXPECT_FALSE(metrics_.accounts().accounted()) << "counted twice is not accounted";
}

TEST_F(MetricsTest, KnowsWhatEachSourceHasBeenThrough) {
  metrics_.peer(1, true);
  metrics_.peer(1, true);
  metrics_.peer(1, false);
  metrics_.run_open(1, true);
  metrics_.missing(1, 0);
  metrics_.missing(1, 7);
  metrics_.implausible(1);
  const auto right = metrics_.source(1);
  EXPECT_EQ(right.name, "right");
  EXPECT_EQ(right.peers, 1);
  EXPECT_EQ(right.disconnects, 1u);
  EXPECT_TRUE(right.run_open);
  EXPECT_EQ(right.missing, 7u);
  EXPECT_EQ(right.implausible, 1u);
  EXPECT_FALSE(metrics_.source(0).run_open);
  EXPECT_EQ(metrics_.peers(), 1);
  EXPECT_THAT(text(), HasSubstr("flashphase_sequence_gaps_total{source=\"right\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_sequence_implausible_total{source=\"right\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_source_run_open{source=\"right\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_queue_bytes{stage=\"preprocess\"} 0\n"));
}

TEST_F(MetricsTest, CountsTheAgreementOfSeveralStartsAlone) {
  auto several = result(ResultStage::refined, 0.0001f);
  metrics_.published(several, Clock::now());
  EXPECT_THAT(text(), HasSubstr("flashphase_agreement_count 0\n"));
  several.agreement = 0.75f;
  metrics_.published(several, Clock::now());
  EXPECT_THAT(text(), HasSubstr("flashphase_agreement_bucket{le=\"0.7\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_agreement_bucket{le=\"0.8\"} 1\n"));
}

TEST_F(MetricsTest, AResultFillsTheHistogramsOfItsStage) {
  metrics_.published(result(ResultStage::inferred, 0.003f), Clock::now());
  metrics_.published(result(ResultStage::refined, 0.0001f), Clock::now());
  EXPECT_THAT(text(), HasSubstr("flashphase_stage_seconds_count{stage=\"infer\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_stage_seconds_count{stage=\"refine\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_residual_bucket{stage=\"inferred\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_residual_bucket{stage=\"inferred\",le=\"0.002\"} 0\n"));
  EXPECT_EQ(metrics_.latency().count, 1u) << "of inferred results alone";
  EXPECT_NEAR(metrics_.latency().p50, 0.003, 0.0001);
  EXPECT_NEAR(metrics_.residual().p50, 0.003, 0.0001);
}

TEST_F(MetricsTest, AResidualThatIsNoNumberDoesNotSpoilTheSum) {
  metrics_.published(result(ResultStage::inferred, std::numeric_limits<float>::quiet_NaN()), Clock::now());
  EXPECT_THAT(text(), HasSubstr("flashphase_residual_sum{stage=\"inferred\"} 0\n"));
  EXPECT_EQ(metrics_.accounts().published, 1u);
}

TEST_F(MetricsTest, ShowsStateQueuesModelAndSubscriptions) {
  metrics_.set_state(State::running);
  metrics_.set_queue(Edge::refine, 12);
  metrics_.subscriptions_changed(1);
  metrics_.subscriptions_changed(1);
  metrics_.subscriptions_changed(-1);
  ModelInfo model;
  model.name = "flash-16";
  model.hash = "ab";
  metrics_.set_model(model, "bf16");
  EXPECT_THAT(text(), HasSubstr("flashphase_state{state=\"running\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_state{state=\"starting\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_queue_frames{stage=\"refine\"} 12\n"));
  EXPECT_THAT(text(), HasSubstr("flashphase_publish_subscriptions 1\n"));
  EXPECT_THAT(text(),
              HasSubstr("flashphase_model_info{hash=\"ab\",name=\"flash-16\",precision=\"bf16\"} 1\n"));
  EXPECT_EQ(metrics_.subscriptions(), 1);
}

}  // namespace
}  // namespace flashphase::service
