#include "service/publish/encode.h"

#include <numeric>

#include "proto/reconstruction.pb.h"

namespace flashphase::publish {

namespace {

void fill(const StageTimes& times, v1::StageSeconds& out) {
  out.set_ingest(times[Stage::ingest]);
  out.set_select(times[Stage::select]);
  out.set_preprocess(times[Stage::preprocess]);
  out.set_batch(times[Stage::batch]);
  out.set_infer(times[Stage::infer]);
  out.set_score(times[Stage::score]);
  out.set_refine(times[Stage::refine]);
  out.set_publish(times[Stage::publish]);
}

v1::Outcome outcome_of(const Reconstruction& result) {
  if (!result.outcome) return v1::OUTCOME_UNSPECIFIED;
  switch (*result.outcome) {
    case Outcome::given_up:
      return v1::OUTCOME_GIVEN_UP;
    case Outcome::reproduced:
      return v1::OUTCOME_REPRODUCED;
    case Outcome::explained:
      break;
  }
  return v1::OUTCOME_EXPLAINED;
}

void fill(const Reconstruction& result, v1::Reconstruction& out) {
  const FrameId& id = result.pattern->id;
  out.set_run(id.run);
  out.set_train(id.train);
  out.set_pulse(id.pulse);
  out.set_sequence(id.sequence);
  out.set_source(id.source);
  out.set_timestamp_ns(result.pattern->timestamp_ns);
  out.set_stage(result.stage == ResultStage::inferred ? v1::RESULT_STAGE_INFERRED : v1::RESULT_STAGE_REFINED);
  out.set_size(static_cast<std::uint32_t>(result.size));
  out.mutable_amplitude()->Assign(result.amplitude.begin(), result.amplitude.end());
  out.mutable_phase()->Assign(result.phase.begin(), result.phase.end());
  pack_support(result.support, *out.mutable_support());
  out.set_residual(result.residual);
  out.set_in_domain(result.remarks.in_domain());
  out.clear_remarks();
  for (const Remark remark : kRemarks)  // the schema begins with 1
    if (result.remarks.has(remark)) out.add_remarks(static_cast<v1::Remark>(index_of(remark) + 1));
  out.set_hit_score(result.pattern->hit_score);
  out.set_model_name(result.model ? result.model->name : "");
  out.set_model_hash(result.model ? result.model->hash : "");
  fill(result.times, *out.mutable_times());
  out.set_latency_seconds(latency_seconds(result));
  out.set_iterations(static_cast<std::uint32_t>(result.iterations));
  out.set_schedule(result.schedule);
  out.set_noise_residual(result.noise_residual);
  if (result.agreement)
    out.set_agreement(*result.agreement);
  else
    out.clear_agreement();
  out.mutable_prtf()->Assign(result.prtf.begin(), result.prtf.end());
  out.set_round(static_cast<std::uint32_t>(result.round));
  if (result.explained)
    out.set_explained(*result.explained);
  else
    out.clear_explained();
  out.set_outcome(outcome_of(result));
}

}  // namespace

std::string_view topic_of(const Reconstruction& result) {
  return result.stage == ResultStage::inferred ? "inferred" : "refined";
}

float latency_seconds(const Reconstruction& result) {
  const auto& seconds = result.times.seconds;
  return std::accumulate(seconds.begin(), seconds.end(), 0.0f);
}

void pack_support(const std::vector<std::uint8_t>& support, std::string& bits) {
  bits.assign((support.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < support.size(); ++i)
    bits[i / 8] = static_cast<char>(bits[i / 8] | (support[i] != 0) << (i % 8));
}

void encode(const Reconstruction& result, std::string& out) {
  thread_local v1::ResultMessage message;  // keeps its memory from result to result
  fill(result, *message.mutable_reconstruction());
  message.SerializeToString(&out);
}

void encode(const RunEvent& event, std::string& out) {
  v1::ResultMessage message;
  auto& run = *message.mutable_run();
  run.set_kind(event.kind == RunEvent::Kind::begin ? v1::RunEvent::KIND_BEGIN : v1::RunEvent::KIND_END);
  run.set_run(event.run);
  run.set_source(event.source);
  run.set_expected_frames(event.expected_frames);
  run.set_received_frames(event.received_frames);
  run.set_sent_frames(event.sent_frames);
  run.set_missing_frames(event.missing_frames);
  message.SerializeToString(&out);
}

void encode(const Bye& bye, std::string& out) {
  v1::ResultMessage message;
  auto& last = *message.mutable_bye();
  last.set_received(bye.received);
  last.set_published(bye.published);
  last.set_rejected(bye.rejected);
  last.set_dropped(bye.dropped);
  message.SerializeToString(&out);
}

}  // namespace flashphase::publish
