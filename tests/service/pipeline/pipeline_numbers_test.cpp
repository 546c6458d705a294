#include <limits>

#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::service {
namespace {

using namespace testing_support;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Every second answer holds what is no number.
class BrokenNetwork final : public FakeNetwork {
 public:
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    FakeNetwork::infer(patterns, objects);
    for (int i = 0; i < patterns.count; ++i)
      if (asked_++ % 2 == 1) objects.object_of(i)[3] = kNan;
  }

 private:
  int asked_ = 0;
};

class BrokenSolver final : public FakeSolver {
 public:
  void solve(const PatternBatch& patterns, const refine::Starts& starts, const refine::Schedule& schedule,
             refine::Refined& out) override {
    FakeSolver::solve(patterns, starts, schedule, out);
    out.objects.object[0] = kNan;
  }
};

class PipelineNumbers : public PipelineTest {};

TEST_F(PipelineNumbers, AnImageThatIsNotFiniteIsACountedRejection) {
  stages.networks.workers.push_back(std::make_unique<BrokenNetwork>());
  build();
  feed(40);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 20u);
  EXPECT_EQ(count(accounts, Rejection::not_finite), 20u);
  EXPECT_TRUE(accounts.accounted());
  EXPECT_EQ(sink->words().size(), 21u) << "20 results and the bye";
}

TEST_F(PipelineNumbers, ARefinementThatIsNotFiniteLeavesTheInferredResult) {
  config.refine_policy = RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<BrokenSolver>());
  build();
  feed(5);
  const Accounts accounts = drain();
  EXPECT_EQ(accounts.published, 5u);
  EXPECT_EQ(accounts.refined, 0u);
  EXPECT_EQ(count(accounts, RefineLoss::unsolvable), 5u);
}

TEST_F(PipelineNumbers, PatternsThatSeemUnshiftedAreCounted) {
  build();
  for (std::uint64_t i = 0; i < 6; ++i) {
    Frame frame = some_frame(i);
    if (i < 4) {
      auto pixels = std::make_shared<std::vector<float>>(kPatternSize * kPatternSize, 0.01f);
      pixels->at(0) = 100;
      frame.pixels.data = std::as_bytes(std::span(*pixels));
      frame.pixels.storage = pixels;
    }
    source->add(frame);
  }
  drain();
  EXPECT_EQ(metrics.remarked(Remark::unshifted), 4u);
  EXPECT_NE(metric_text().find("flashphase_remarks_total{remark=\"unshifted\",stage=\"inferred\"} 4"),
            std::string::npos)
      << metric_text();
  EXPECT_NE(metric_text().find("flashphase_unshifted_patterns_total 4"), std::string::npos);
}

}  // namespace
}  // namespace flashphase::service
