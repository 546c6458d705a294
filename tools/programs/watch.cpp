#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "engine/frame/frame.h"
#include "engine/frame/remarks.h"
#include "engine/score/resolution.h"
#include "proto/endpoint.h"
#include "proto/json.h"
#include "proto/reconstruction.pb.h"
#include "tools/shared/program.h"
#include "tools/shared/result_receiver.h"

namespace flashphase::tools {
namespace {

struct WatchArguments {
  std::string endpoint;
  std::uint64_t frames = 0;
  bool json = false;
  double timeout_seconds = 0;
  double wait_seconds = 5;

  void add_to(CLI::App& app) {
    app.add_option("endpoint", endpoint, "result endpoint of flashphased, e.g. tcp://127.0.0.1:5602")
        ->required()
        ->check([](const std::string& given) {
          return endpoint_problem(given, EndpointUse::connect).value_or("");
        });
    app.add_option("--frames", frames, "end after this many reconstructions; 0 = at the daemon's bye")
        ->capture_default_str();
    app.add_flag("--json", json, "one JSON object per reconstruction");
    app.add_option("--timeout", timeout_seconds,
                   "seconds without any message after which to give up; 0 = never")
        ->capture_default_str();
    app.add_option("--wait", wait_seconds,
                   "seconds that a daemon which goes without a bye has to come back; inf = for ever")
        ->check(CLI::Range(0.0, std::numeric_limits<double>::infinity()))
        ->capture_default_str();
  }
};

std::string_view stage_of(const v1::Reconstruction& result) {
  return result.stage() == v1::RESULT_STAGE_REFINED ? "refined" : "inferred";
}

std::string_view outcome_of(const v1::Reconstruction& result) {
  switch (result.outcome()) {
    case v1::OUTCOME_EXPLAINED:
      return "explained";
    case v1::OUTCOME_REPRODUCED:
      return "reproduced";
    case v1::OUTCOME_GIVEN_UP:
      return "given up";
    default:
      return "not yet explained";
  }
}

/// Full period in object pixels where the PRTF falls below 1/e.
float resolution_of(const v1::Reconstruction& result) {
  const std::vector<float> prtf(result.prtf().begin(), result.prtf().end());
  const std::vector<float> threshold(prtf.size(), static_cast<float>(1 / std::numbers::e));
  return score::resolution(prtf, threshold, 2 * (result.prtf_size() - 1)).pixels;
}

/// Those that this program knows.
Remarks remarks_of(const v1::Reconstruction& result) {
  Remarks remarks;
  for (const Remark remark : kRemarks)
    for (const int number : result.remarks())
      remarks.add(remark, number == static_cast<int>(index_of(remark)) + 1);
  return remarks;
}

std::string as_json(const v1::Reconstruction& result) {
  JsonObject object, remarks;
  object.add("source", result.source())
      .add_id("run", result.run())
      .add_id("train", result.train())
      .add_id("pulse", result.pulse());
  object.add_id("sequence", result.sequence()).add("stage", stage_of(result)).add("size", result.size());
  object.add("residual", static_cast<double>(result.residual())).add("in_domain", result.in_domain());
  for (const Remark remark : kRemarks)
    if (remarks_of(result).has(remark)) remarks.add(text_of(remark).name, text_of(remark).words);
  object.add("remarks", remarks);
  object.add("noise_residual", static_cast<double>(result.noise_residual()));
  object.add("hit_score", static_cast<double>(result.hit_score()));
  object.add("latency_seconds", static_cast<double>(result.latency_seconds()));
  object.add("model", result.model_name()).add("model_hash", result.model_hash());
  if (result.stage() == v1::RESULT_STAGE_REFINED)
    object.add("schedule", result.schedule())
        .add("iterations", result.iterations())
        .add("round", result.round());
  if (result.has_explained()) object.add("explained", result.explained());
  if (result.outcome() != v1::OUTCOME_UNSPECIFIED) object.add("outcome", outcome_of(result));
  if (result.has_agreement()) object.add("agreement", static_cast<double>(result.agreement()));
  if (result.prtf_size() > 1) object.add("resolution_pixels", static_cast<double>(resolution_of(result)));
  return object.text();
}

std::string as_line(const v1::Reconstruction& result) {
  char numbers[128];
  int length =
      std::snprintf(numbers, sizeof numbers, "residual %.5f (noise %.5f)",
                    static_cast<double>(result.residual()), static_cast<double>(result.noise_residual()));
  const auto add = [&](const char* format, float value) {
    length += std::snprintf(numbers + length, sizeof numbers - static_cast<std::size_t>(length), format,
                            static_cast<double>(value));
  };
  if (result.has_agreement()) add("  agreement %.2f", result.agreement());
  add("  latency %.2f ms", 1000 * result.latency_seconds());
  std::string against = result.in_domain() ? "" : " (outside its domain)";
  for (const Remark remark : kRemarks)
    if (remarks_of(result).has(remark)) against.append("  ").append(text_of(remark).words);
  return result.source() + " run " + std::to_string(result.run()) + " train " +
         std::to_string(result.train()) + " pulse " + std::to_string(result.pulse()) + " sequence " +
         std::to_string(result.sequence()) + "  " + std::string(stage_of(result)) + "  " + numbers +
         (result.has_explained() ? "  " + std::string(outcome_of(result)) : "") + "  model " +
         result.model_name() + against;
}

/// Run events and bye go to stderr: stdout has reconstructions only.
void report_event(const v1::ResultMessage& message, std::uint64_t seen) {
  if (message.has_run()) {
    const v1::RunEvent& run = message.run();
    std::cerr << "run " << run.run() << " of " << run.source();
    if (run.kind() == v1::RunEvent::KIND_BEGIN)
      std::cerr << " begins, expected frames: " << run.expected_frames() << '\n';
    else
      std::cerr << " ends, received frames: " << run.received_frames()
                << ", missing: " << run.missing_frames() << '\n';
  } else if (message.has_bye()) {
    const v1::Bye& bye = message.bye();
    std::cerr << "bye: the daemon received " << bye.received() << " frames = published " << bye.published()
              << " + rejected " << bye.rejected() << " + dropped " << bye.dropped() << "; seen here: " << seen
              << " results\n";
  }
}

/// Says on stderr what is waited for while nothing comes, and when it has been long enough.
class Patience {
 public:
  explicit Patience(const WatchArguments& arguments) : arguments_(arguments) {}

  void heard() { last_message_ = Clock::now(); }

  /// Nothing has come for a while: whether to go on waiting.
  bool has_more(Publisher publisher) {
    const Clock::time_point now = Clock::now();
    if (publisher != publisher_) note(publisher, now);
    if (publisher == Publisher::not_met && !complained_ &&
        seconds_between<double>(started_, now) >= kComplainAfter) {
      say("nobody publishes results at " + arguments_.endpoint + " yet; waiting");
      complained_ = true;
    }
    if (publisher == Publisher::gone && seconds_between<double>(gone_, now) >= arguments_.wait_seconds) {
      say("the daemon did not come back");
      return false;
    }
    if (arguments_.timeout_seconds <= 0 ||
        seconds_between<double>(last_message_, now) < arguments_.timeout_seconds)
      return true;
    say("nothing came from " + arguments_.endpoint + " for " + number(arguments_.timeout_seconds) + " s");
    return false;
  }

 private:
  static constexpr double kComplainAfter = 2;

  void note(Publisher publisher, Clock::time_point now) {
    publisher_ = publisher;
    if (publisher == Publisher::gone) {
      gone_ = now;
      say("the daemon at " + arguments_.endpoint + " went without a bye; it has " +
          number(arguments_.wait_seconds) + " s to come back");
      complained_ = true;
    } else if (complained_) {
      say(arguments_.endpoint + " answers");
    }
  }

  static std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
  }
  static void say(const std::string& what) { std::cerr << "flashphase-watch: " << what << std::endl; }

  const WatchArguments& arguments_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point last_message_ = started_, gone_{};
  Publisher publisher_ = Publisher::not_met;
  bool complained_ = false;
};

int watch(const WatchArguments& arguments) {
  constexpr std::chrono::milliseconds kLook{100};
  stop_on_signals();
  ResultReceiver receiver(arguments.endpoint);
  Patience patience(arguments);
  std::uint64_t seen = 0;
  while (!stop_requested() && (arguments.frames == 0 || seen < arguments.frames)) {
    const v1::ResultMessage* message = receiver.receive(kLook);
    if (message == nullptr) {
      if (stop_requested() || patience.has_more(receiver.publisher())) continue;
      return kFailed;
    }
    patience.heard();
    if (message->has_reconstruction()) {
      ++seen;
      const v1::Reconstruction& result = message->reconstruction();
      if (!print_line(arguments.json ? as_json(result) : as_line(result))) return kDone;
    } else {
      report_event(*message, seen);
      if (message->has_bye()) return kDone;
    }
  }
  return kDone;
}

}  // namespace
}  // namespace flashphase::tools

int main(int argc, char** argv) {
  CLI::App app("Prints one line per reconstruction that flashphased publishes; ends with it.",
               "flashphase-watch");
  flashphase::tools::WatchArguments arguments;
  arguments.add_to(app);
  return flashphase::tools::run_program(app, argc, argv, [&] { return flashphase::tools::watch(arguments); });
}
