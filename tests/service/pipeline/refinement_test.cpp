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
  return {pattern, start, model, {}, Clock::now()};
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
  const std::vector<RefineJob> jobs{job_of(twin_of(particle())), job_of(particle())};
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

TEST(Refinement, CarriesWhatNoiseExplains) {
  EXPECT_EQ(refined(job_of(particle()), 1)->noise_residual, 0.25f);
}

}  // namespace
}  // namespace flashphase::service
