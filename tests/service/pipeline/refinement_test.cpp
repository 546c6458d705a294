#include <gmock/gmock.h>

#include <cmath>
#include <complex>

#include "engine/refine/solver.h"
#include "engine/score/metrics.h"
#include "engine/score/score.h"
#include "service/pipeline/stages.h"

namespace flashphase::service {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr int kM = 32, kN = 16;
using Complex = std::complex<float>;

/// A lopsided particle whose twin is another image.
std::vector<Complex> particle() {
  std::vector<Complex> object(kN * kN);
  for (int y = 3; y < 13; ++y)
    for (int x = 4; x < 10 + y / 4; ++x)
      object[static_cast<std::size_t>(y * kN + x)] =
          std::polar(1.0f, 0.3f * static_cast<float>(x) + 0.05f * static_cast<float>(y * y));
  return object;
}

std::vector<Complex> twin_of(const std::vector<Complex>& object) {
  std::vector<Complex> twin(object.size());
  for (int y = 1; y < kN; ++y)
    for (int x = 1; x < kN; ++x)
      twin[static_cast<std::size_t>(y * kN + x)] =
          std::conj(object[static_cast<std::size_t>((kN - y) * kN + kN - x)]);
  return twin;
}

RefineJob job_of(const std::vector<Complex>& answer) {
  auto pattern = std::make_shared<Pattern>();
  pattern->size = kM;
  pattern->intensity = score::diffraction(particle(), kN, kM);
  pattern->measured.assign(kM * kM, 1);
  pattern->noise_residual = 0.25f;
  ObjectBatch start(1, kN);
  start.object = answer;
  auto model = std::make_shared<ModelInfo>();
  model->pattern_size = kM;
  model->object_size = kN;
  return RefineJob{pattern, start, model, {}, Clock::now()};
}

std::unique_ptr<Reconstruction> refined(const RefineJob& job, int starts,
                                        const char* schedule = "20*HIO+10*ER") {
  const auto solver = refine::make_cpu_solver();
  const refine::Schedule parsed = refine::parse_schedule(schedule);
  Refinement refine(*solver, parsed, starts);
  return std::move(refine(std::span(&job, 1)).at(0));
}

/// Correlation of the image with an object, places and all.
float likeness(const Reconstruction& image, const std::vector<Complex>& object) {
  Complex sum = 0;
  float energy = 0, own = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    sum += std::conj(std::polar(image.amplitude[i], image.phase[i])) * object[i];
    energy += image.amplitude[i] * image.amplitude[i];
    own += std::norm(object[i]);
  }
  return sum.real() / std::sqrt(energy * own);
}

TEST(Refinement, OfOneStartSaysNothingAboutAgreement) {
  const auto result = refined(job_of(particle()), 1);
  EXPECT_EQ(result->stage, ResultStage::refined);
  EXPECT_FALSE(result->agreement);
  EXPECT_THAT(result->prtf, IsEmpty());
}

TEST(Refinement, OfSeveralStartsSaysHowFarTheyAgree) {
  const auto result = refined(job_of(particle()), 4);
  ASSERT_TRUE(result->agreement);
  EXPECT_GT(*result->agreement, 0);
  EXPECT_LE(*result->agreement, 1.0001f);
  EXPECT_THAT(result->prtf, SizeIs(kM / 2 + 1));
}

TEST(Refinement, GivesTheSameTwiceAndInAnyBatch) {
  std::vector<RefineJob> jobs;
  jobs.push_back(job_of(twin_of(particle())));
  jobs.push_back(job_of(particle()));
  const auto solver = refine::make_cpu_solver();
  const refine::Schedule schedule = refine::parse_schedule("10*HIO+5*ER");
  Refinement refine(*solver, schedule, 3);
  const auto together = refine(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto alone = refine(std::span(jobs).subspan(i, 1));
    EXPECT_EQ(alone[0]->amplitude, together[i]->amplitude);
    EXPECT_EQ(alone[0]->phase, together[i]->phase);
    EXPECT_EQ(alone[0]->agreement, together[i]->agreement);
    EXPECT_EQ(alone[0]->prtf, together[i]->prtf);
    EXPECT_EQ(alone[0]->residual, together[i]->residual);
  }
  EXPECT_NE(together[0]->prtf, together[1]->prtf) << "else a mix-up would not show";
  EXPECT_NE(together[0]->amplitude, together[1]->amplitude);
}

TEST(Refinement, DoesNotFlipBetweenTwins) {
  for (const auto& answer : {particle(), twin_of(particle())}) {
    const auto result = refined(job_of(answer), 6);
    ASSERT_LT(result->residual, 0.05f);
    const auto other = twin_of(answer);
    EXPECT_GT(likeness(*result, answer), 0.7f);
    EXPECT_GT(likeness(*result, answer), likeness(*result, other) + 0.1f);
  }
}

/// A network's answer that is not right: its phases are off, more so to one side.
RefineJob to_be_explained() {
  auto answer = particle();
  for (std::size_t i = 0; i < answer.size(); ++i)
    answer[i] *=
        std::polar(1.0f, 0.5f * std::sin(0.9f * static_cast<float>(i % kN) + static_cast<float>(i / kN)));
  RefineJob job = job_of(answer);
  job.start.residual[0] = 0.5f;
  for (std::size_t i = 0; i < answer.size(); ++i) job.start.support[i] = answer[i] != Complex();
  return job;
}

TEST(Refinement, GoesOnInRoundsThatOnlyGetBetter) {
  const auto solver = refine::make_cpu_solver();
  const refine::Schedule schedule;
  Refinement refine(*solver, schedule, 2);
  std::vector<RefineJob> jobs;
  jobs.push_back(to_be_explained());
  float before = 0.5f;
  int rounds = 0, told = 0, iterations = 0;
  do {
    const auto result = std::move(refine.round(jobs, {.exact = 0, .noise = 0}).at(0));
    ASSERT_EQ(jobs[0].rounds, ++rounds);
    if (!result) continue;
    ++told;
    EXPECT_EQ(result->stage, ResultStage::refined);
    EXPECT_EQ(result->round, rounds);
    EXPECT_EQ(result->schedule, "explain");
    EXPECT_GT(result->iterations, iterations);
    EXPECT_TRUE(result->residual < before || jobs[0].effort->done());
    EXPECT_EQ(result->explained, false);
    EXPECT_EQ(result->outcome.has_value(), jobs[0].effort->done());
    before = result->residual;
    iterations = result->iterations;
  } while (!jobs[0].effort->done());
  EXPECT_LT(before, 1e-4f);
  EXPECT_GT(told, 1) << "or this test shows little";
}

TEST(Refinement, ARoundThatBringsNothingTellsNothingAndTheLastOneTellsWhy) {
  const auto solver = refine::make_cpu_solver();
  const refine::Schedule schedule;
  Refinement refine(*solver, schedule, 1);
  std::vector<RefineJob> jobs;
  jobs.push_back(to_be_explained());
  auto impossible = std::make_shared<Pattern>(*jobs[0].pattern);
  for (std::size_t i = 0; i < impossible->intensity.size(); ++i)
    impossible->intensity[i] = static_cast<float>(i * i % 97) + 0.5f;
  jobs[0].pattern = impossible;
  jobs[0].start.residual[0] = 1e-5f;  // which no round will reach
  EXPECT_EQ(refine.round(jobs, {.noise = 0, .iterations = 1500}).at(0), nullptr);
  ASSERT_FALSE(jobs[0].effort->done());
  const auto last = std::move(refine.round(jobs, {}).at(0));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->outcome, Outcome::given_up);
  EXPECT_EQ(last->explained, false);
  EXPECT_EQ(last->iterations, 1000);
  EXPECT_EQ(last->residual, 1e-5f) << "never worse than what was there";
  EXPECT_GT(likeness(*last, particle()), 0.7f);
}

TEST(Refinement, AFrameGetsTheSameInRoundsWhereverItIsWorkedOn) {
  const auto solver = refine::make_cpu_solver();
  const refine::Schedule schedule;
  Refinement one(*solver, schedule, 2), other(*solver, schedule, 2);
  std::vector<RefineJob> alone, together;
  alone.push_back(to_be_explained());
  for (int i = 0; i < 3; ++i) together.push_back(i == 1 ? to_be_explained() : job_of(twin_of(particle())));
  for (int round = 0; round < 2; ++round) {
    const auto a = one.round(alone, {.noise = 0});
    const auto b = (round == 0 ? one : other).round(std::span(together), {.noise = 0});
    ASSERT_TRUE(a[0]);
    ASSERT_TRUE(b[1]);
    EXPECT_EQ(a[0]->amplitude, b[1]->amplitude);
    EXPECT_EQ(a[0]->phase, b[1]->phase);
    EXPECT_EQ(a[0]->residual, b[1]->residual);
    if (alone[0].effort->done()) break;
  }
}

TEST(Refinement, CarriesWhatNoiseExplains) {
  EXPECT_EQ(refined(job_of(particle()), 1)->noise_residual, 0.25f);
}

}  // namespace
}  // namespace flashphase::service
