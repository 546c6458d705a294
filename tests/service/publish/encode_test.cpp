#include "service/publish/encode.h"

#include <gtest/gtest.h>

#include "proto/reconstruction.pb.h"

namespace flashphase::publish {
namespace {

Reconstruction some_result() {
  auto pattern = std::make_shared<Pattern>();
  pattern->id = {.run = 1, .train = 2, .pulse = 3, .sequence = 4, .source = "agipd"};
  pattern->timestamp_ns = 5;
  pattern->hit_score = 6;
  Reconstruction result;
  result.pattern = pattern;
  result.size = 3;
  result.amplitude = {1, 0, 0, 0, 0.5f, 0, 0, 0, 0};
  result.phase = {0, 0, 0, 0, -1, 0, 0, 0, 0};
  result.support = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  result.residual = 0.01f;
  result.model = std::make_shared<ModelInfo>(ModelInfo{.name = "flash-16", .hash = "abc"});
  for (std::size_t i = 0; i < kStageCount; ++i) result.times.seconds[i] = static_cast<float>(1 << i);
  return result;
}

v1::ResultMessage decoded(const std::string& bytes) {
  v1::ResultMessage message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}

TEST(Encode, CarriesIdentityImageTrustAndTimes) {
  std::string bytes;
  encode(some_result(), bytes);
  const auto message = decoded(bytes);
  const auto& out = message.reconstruction();
  EXPECT_EQ(out.run(), 1u);
  EXPECT_EQ(out.train(), 2u);
  EXPECT_EQ(out.pulse(), 3u);
  EXPECT_EQ(out.sequence(), 4u);
  EXPECT_EQ(out.source(), "agipd");
  EXPECT_EQ(out.timestamp_ns(), 5u);
  EXPECT_EQ(out.stage(), v1::RESULT_STAGE_INFERRED);
  EXPECT_EQ(out.size(), 3u);
  ASSERT_EQ(out.amplitude_size(), 9);
  EXPECT_EQ(out.amplitude(4), 0.5f);
  EXPECT_EQ(out.phase(4), -1);
  EXPECT_EQ(out.residual(), 0.01f);
  EXPECT_TRUE(out.in_domain());
  EXPECT_EQ(out.hit_score(), 6);
  EXPECT_EQ(out.model_name(), "flash-16");
  EXPECT_EQ(out.model_hash(), "abc");
  EXPECT_EQ(out.times().ingest(), 1);
  EXPECT_EQ(out.times().publish(), 128);
  EXPECT_EQ(out.latency_seconds(), 255);
}

TEST(Encode, PacksTheSupportLeastSignificantBitFirst) {
  std::string bytes;
  encode(some_result(), bytes);
  EXPECT_EQ(decoded(bytes).reconstruction().support(), std::string("\x11\x01", 2));
}

TEST(Encode, AResultKeepsNothingOfTheOneBeforeIt) {
  std::string bytes;
  auto refined = some_result();
  refined.stage = ResultStage::refined;
  refined.iterations = 100;
  refined.schedule = "polish";
  encode(refined, bytes);
  EXPECT_EQ(decoded(bytes).reconstruction().stage(), v1::RESULT_STAGE_REFINED);
  EXPECT_EQ(decoded(bytes).reconstruction().iterations(), 100u);
  EXPECT_EQ(decoded(bytes).reconstruction().schedule(), "polish");
  encode(some_result(), bytes);
  EXPECT_EQ(decoded(bytes).reconstruction().iterations(), 0u);
  EXPECT_EQ(decoded(bytes).reconstruction().schedule(), "");
  EXPECT_EQ(decoded(bytes).reconstruction().amplitude_size(), 9);
}

TEST(Encode, CarriesAgreementAndTransferFunctionOfSeveralStartsAlone) {
  std::string bytes;
  auto several = some_result();
  several.stage = ResultStage::refined;
  several.noise_residual = 0.002f;
  several.agreement = 0.0f;
  several.prtf = {1, 0.5f, 0.25f};
  encode(several, bytes);
  const auto message = decoded(bytes);
  const auto& out = message.reconstruction();
  EXPECT_EQ(out.noise_residual(), 0.002f);
  EXPECT_TRUE(out.has_agreement());
  ASSERT_EQ(out.prtf_size(), 3);
  EXPECT_EQ(out.prtf(1), 0.5f);
  encode(some_result(), bytes);
  EXPECT_FALSE(decoded(bytes).reconstruction().has_agreement());
  EXPECT_EQ(decoded(bytes).reconstruction().prtf_size(), 0);
}

TEST(Encode, CarriesRoundAndWhetherAndWhyItEnded) {
  std::string bytes;
  auto first = some_result();
  first.round = 3;
  first.explained = false;
  encode(first, bytes);
  EXPECT_EQ(decoded(bytes).reconstruction().round(), 3u);
  EXPECT_TRUE(decoded(bytes).reconstruction().has_explained());
  EXPECT_FALSE(decoded(bytes).reconstruction().explained());
  EXPECT_EQ(decoded(bytes).reconstruction().outcome(), v1::OUTCOME_UNSPECIFIED);
  for (const auto& [outcome, expected] : {std::pair{Outcome::given_up, v1::OUTCOME_GIVEN_UP},
                                          {Outcome::reproduced, v1::OUTCOME_REPRODUCED},
                                          {Outcome::explained, v1::OUTCOME_EXPLAINED}}) {
    auto last = some_result();
    last.outcome = outcome;
    encode(last, bytes);
    EXPECT_EQ(decoded(bytes).reconstruction().outcome(), expected);
  }
  encode(some_result(), bytes);
  EXPECT_FALSE(decoded(bytes).reconstruction().has_explained());
  EXPECT_EQ(decoded(bytes).reconstruction().outcome(), v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(decoded(bytes).reconstruction().round(), 0u);
}

TEST(Encode, CarriesWhatSpeaksAgainstAResult) {
  std::string bytes;
  for (const auto& [remark, expected] : {std::pair{Remark::unshifted, v1::REMARK_UNSHIFTED},
                                         {Remark::too_large, v1::REMARK_TOO_LARGE},
                                         {Remark::few_photons, v1::REMARK_FEW_PHOTONS},
                                         {Remark::many_photons, v1::REMARK_MANY_PHOTONS},
                                         {Remark::unmeasured, v1::REMARK_UNMEASURED},
                                         {Remark::off_centre, v1::REMARK_OFF_CENTRE},
                                         {Remark::overfitted, v1::REMARK_OVERFITTED},
                                         {Remark::wide_support, v1::REMARK_WIDE_SUPPORT}}) {
    auto one = some_result();
    one.remarks.add(remark);
    encode(one, bytes);
    ASSERT_EQ(decoded(bytes).reconstruction().remarks_size(), 1);
    EXPECT_EQ(decoded(bytes).reconstruction().remarks(0), expected);
    EXPECT_EQ(decoded(bytes).reconstruction().in_domain(), one.remarks.in_domain());
  }
  EXPECT_EQ(kRemarkCount, v1::Remark_ARRAYSIZE - 1u) << "each is in the schema";
  encode(some_result(), bytes);
  EXPECT_EQ(decoded(bytes).reconstruction().remarks_size(), 0);
}

TEST(Encode, CarriesRunEventsAndTheFarewell) {
  std::string bytes;
  encode(RunEvent{.kind = RunEvent::Kind::end,
                  .source = "a",
                  .run = 7,
                  .expected_frames = 9,
                  .received_frames = 8,
                  .sent_frames = 10,
                  .missing_frames = 2},
         bytes);
  const auto run = decoded(bytes).run();
  EXPECT_EQ(run.kind(), v1::RunEvent::KIND_END);
  EXPECT_EQ(run.run(), 7u);
  EXPECT_EQ(run.source(), "a");
  EXPECT_EQ(run.expected_frames(), 9u);
  EXPECT_EQ(run.received_frames(), 8u);
  EXPECT_EQ(run.sent_frames(), 10u);
  EXPECT_EQ(run.missing_frames(), 2u);
  encode(Bye{.received = 10, .published = 5, .rejected = 3, .dropped = 2}, bytes);
  const auto bye = decoded(bytes).bye();
  EXPECT_EQ(bye.received(), 10u);
  EXPECT_EQ(bye.published(), 5u);
  EXPECT_EQ(bye.rejected(), 3u);
  EXPECT_EQ(bye.dropped(), 2u);
}

}  // namespace
}  // namespace flashphase::publish
