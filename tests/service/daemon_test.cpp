#include "service/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <zmq.hpp>

#include "engine/device/cores.h"
#include "engine/device/device_lost.h"
#include "proto/reconstruction.pb.h"
#include "tests/service/doubles.h"
#include "tests/service/http/http_client.h"
#include "tests/service/ingest/native_messages.h"

namespace flashphase::service {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing_support::FakeNetwork;
using testing_support::float_pixels;
using testing_support::frame_message;
using testing_support::get;

constexpr const char* kYaml = R"(
source: [{endpoint: "tcp://127.0.0.1:*", socket: pull, bind: true}]
preprocess: {pattern_size: 16}
publish: {endpoint: "tcp://127.0.0.1:*"}
http: {port: 0}
)";

std::shared_ptr<spdlog::logger> silent() {
  return std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
}

std::unique_ptr<Network> fake_network(const std::string&, const NetworkOptions&) {
  return std::make_unique<FakeNetwork>();
}

std::string problem_of(const std::vector<std::string>& overrides,
                       const NetworkFactory& factory = fake_network) {
  try {
    Daemon daemon(parse_config(kYaml, ".", overrides), factory, silent());
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "(none)";
}

TEST(Daemon, CarriesFramesFromSocketToSocketAndSaysBye) {
  Daemon daemon(parse_config(kYaml), fake_network, silent());
  daemon.start();
  zmq::context_t context;
  zmq::socket_t results(context, zmq::socket_type::sub), frames(context, zmq::socket_type::push);
  results.set(zmq::sockopt::rcvtimeo, 20000);
  results.set(zmq::sockopt::subscribe, "");
  results.connect(daemon.publish_endpoint());
  while (daemon.status().find("\"subscriptions\":1") == std::string::npos) std::this_thread::yield();

  frames.connect(daemon.source_endpoints().at(0));
  for (std::uint64_t i = 0; i < 10; ++i) {
    frames.send(zmq::buffer(frame_message(i, 16, 16).SerializeAsString()), zmq::send_flags::sndmore);
    frames.send(zmq::buffer(float_pixels(256)));
  }
  const auto receive = [&](const std::string& topic) {
    zmq::message_t first, second;
    EXPECT_TRUE(results.recv(first));
    EXPECT_TRUE(results.recv(second));
    EXPECT_EQ(first.to_string(), topic);
    v1::ResultMessage message;
    EXPECT_TRUE(message.ParseFromArray(second.data(), static_cast<int>(second.size())));
    return message;
  };
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(receive("inferred").reconstruction().sequence(), i);

  EXPECT_THAT(get(daemon.http_port(), "/readyz"), HasSubstr("running"));
  EXPECT_THAT(get(daemon.http_port(), "/api/v1/status"), HasSubstr("\"published\":10"));
  daemon.stop();
  EXPECT_EQ(receive("bye").bye().published(), 10u);
  EXPECT_EQ(daemon.state(), State::stopped);
  EXPECT_TRUE(daemon.accounts().accounted());
  EXPECT_FALSE(daemon.failure());
  EXPECT_EQ(exit_code(daemon), 0);
}

TEST(Daemon, AModelThatFailsAtAnyStepLeavesTheRunningOne) {
  class LargeNetwork : public FakeNetwork {
   public:
    LargeNetwork() { info_.pattern_size = 32; }
    const ModelInfo& info() const override { return info_; }

   private:
    ModelInfo info_;
  };
  class OtherImage : public FakeNetwork {
   public:
    OtherImage() { info_.pattern_size = 16, info_.object_size = 4; }
    const ModelInfo& info() const override { return info_; }

   private:
    ModelInfo info_;
  };
  const NetworkFactory factory = [](const std::string& model,
                                    const NetworkOptions&) -> std::unique_ptr<Network> {
    if (model == "/broken") throw std::runtime_error("warming up failed");
    if (model == "/huge") throw std::bad_alloc();
    if (model == "/large") return std::make_unique<LargeNetwork>();
    if (model == "/other") return std::make_unique<OtherImage>();
    return std::make_unique<FakeNetwork>([](int) {}, model == "none" ? "first" : model);
  };
  Daemon daemon(parse_config(kYaml), factory, silent());
  daemon.start();
  const auto why = [&](const std::string& model) -> std::string {
    try {
      daemon.replace_model(model);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why("/broken"), "infer.model: warming up failed; the running model goes on");
  EXPECT_THAT(why("/huge"), StartsWith("the memory does not suffice"));
  EXPECT_THAT(why("/large"), StartsWith("preprocess.pattern_size: 16 does not fit the model"));
  EXPECT_THAT(why("/other"),
              HasSubstr("makes 4 pixels of 16, not as the running model: first makes 8 pixels of 16"));
  EXPECT_THAT(why("relative"), HasSubstr("not an absolute path"));
  EXPECT_THAT(daemon.status(), HasSubstr("\"model\":{\"name\":\"first\""));
  EXPECT_EQ(why("/next"), "");
  EXPECT_THAT(daemon.status(), HasSubstr("\"model\":{\"name\":\"/next\""));
}

TEST(Daemon, ANewModelIsMadeInTheTimeThatFramesLeave) {
  int of_first = -1, of_next = -1;
  Daemon daemon(
      parse_config(kYaml),
      [&](const std::string& model, const NetworkOptions&) {
        (model == "none" ? of_first : of_next) = sched_getscheduler(0);
        return std::make_unique<FakeNetwork>([](int) {}, model);
      },
      silent());
  daemon.start();
  const int before = sched_getscheduler(0);
  daemon.replace_model("/next");
  EXPECT_EQ(of_first, before);
  EXPECT_EQ(of_next, SCHED_IDLE);
  EXPECT_EQ(sched_getscheduler(0), before);
}

TEST(Daemon, OpensTheFurtherSinksThatAreAskedFor) {
  Daemon daemon(parse_config(kYaml, ".", {"sink=[{name: upstairs, endpoint: \"tcp://127.0.0.1:*\"}]"}),
                fake_network, silent());
  daemon.start();
  EXPECT_THAT(get(daemon.http_port(), "/metrics"),
              HasSubstr("flashphase_publish_dropped_total{sink=\"upstairs\"}"));
  EXPECT_THAT(problem_of({"sink=[{name: zeromq, endpoint: \"tcp://127.0.0.1:*\"}]"}),
              HasSubstr("sink[0].name: \"zeromq\" is the name of another sink"));
  EXPECT_THAT(problem_of({"sink=[{name: a, endpoint: \"" + daemon.publish_endpoint() + "\"}]"}),
              AllOf(StartsWith("sink[0].endpoint: cannot bind"), HasSubstr("in use")));
}

TEST(Daemon, RefusesAPublishEndpointThatIsTaken) {
  Daemon first(parse_config(kYaml), fake_network, silent());
  EXPECT_THAT(problem_of({"publish.endpoint=" + first.publish_endpoint()}),
              AllOf(StartsWith("publish.endpoint: cannot bind "), HasSubstr("Address already in use")));
}

TEST(Daemon, RefusesASourceEndpointThatIsTaken) {
  Daemon first(parse_config(kYaml), fake_network, silent());
  EXPECT_THAT(problem_of({"source.0.endpoint=" + first.source_endpoints().at(0)}),
              AllOf(StartsWith("source[0].endpoint: cannot bind "), HasSubstr("Address already in use")));
}

TEST(Daemon, RefusesAnHttpPortThatIsTaken) {
  Daemon first(parse_config(kYaml), fake_network, silent());
  EXPECT_THAT(problem_of({"http.port=" + std::to_string(first.http_port())}),
              AllOf(StartsWith("http.port: cannot listen on "), HasSubstr("Address already in use")));
}

TEST(Daemon, RefusesAModelThatCannotBeLoaded) {
  const auto missing = [](const std::string& model, const NetworkOptions&) -> std::unique_ptr<Network> {
    throw std::runtime_error(model + ": no such file");
  };
  EXPECT_EQ(problem_of({"infer.model=/models/none.fp"}, missing),
            "infer.model: /models/none.fp: no such file");
}

TEST(Daemon, RefusesAGpuThatIsNotThere) {
  EXPECT_THAT(problem_of({"infer.model=/models/some.fp", "infer.device=cuda:97"}),
              StartsWith("infer.device: "));
  EXPECT_THAT(problem_of({"refine.policy=all", "refine.device=cuda:97"}), StartsWith("refine.device: "));
}

TEST(Daemon, StartsFewerRefineWorkersWhereThereAreFewerCoresAndSaysSo) {
  const auto warnings = [](const std::string& workers) {
    std::ostringstream lines;
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines);
    sink->set_level(spdlog::level::warn);
    Daemon(parse_config(kYaml, ".", {"refine.policy=all", "refine.device=cpu", "refine.workers=" + workers}),
           fake_network, std::make_shared<spdlog::logger>("test", sink));
    return lines.str();
  };
  EXPECT_THAT(
      warnings("1024"),
      HasSubstr("event=fewer_refine_workers asked=1024 started=" + std::to_string(usable_cores()) + " "));
  EXPECT_EQ(warnings("1"), "");
  EXPECT_EQ(warnings("0"), "");
}

TEST(Daemon, MakesANetworkForEachRefineWorkerOnlyWhereSeveralStartsNeedViews) {
  int made = 0;
  const auto counting = [&](const std::string& model, const NetworkOptions& options) {
    ++made;
    return fake_network(model, options);
  };
  const auto networks = [&](const std::vector<std::string>& overrides) {
    made = 0;
    Daemon(parse_config(kYaml, ".", overrides), counting, silent());
    return made;
  };
  EXPECT_EQ(networks({"refine.policy=off", "refine.starts=4"}), 1);
  EXPECT_EQ(networks({"refine.policy=all", "refine.device=cpu", "refine.workers=1"}), 1);
  EXPECT_EQ(networks({"refine.policy=all", "refine.device=cpu", "refine.workers=1", "refine.starts=2"}), 2);
}

TEST(Daemon, RefusesAGpuForTheModelNone) {
  EXPECT_THAT(problem_of({"infer.device=cuda"}), StartsWith("infer.device: the model none runs on the CPU"));
}

TEST(Daemon, BlamesTheDeviceWhenItIsTheDeviceThatCannotBeHad) {
  const auto busy = [](const std::string&, const NetworkOptions&) -> std::unique_ptr<Network> {
    throw DeviceUnusable("GPU 0 (fake) is busy");
  };
  EXPECT_EQ(problem_of({}, busy), "infer.device: GPU 0 (fake) is busy");
}

TEST(Daemon, ADeviceLostAtStartIsNoFaultOfTheConfiguration) {
  const auto lost = [](const std::string&, const NetworkOptions&) -> std::unique_ptr<Network> {
    throw DeviceLost("GPU 0 fell off the bus");
  };
  EXPECT_THROW(Daemon(parse_config(kYaml), lost, silent()), DeviceLost);
}

TEST(Daemon, MemoryThatDoesNotSufficeAtStartIsNoFaultOfTheConfiguration) {
  const auto hungry = [](const std::string&, const NetworkOptions&) -> std::unique_ptr<Network> {
    throw std::bad_alloc();
  };
  EXPECT_THROW(Daemon(parse_config(kYaml), hungry, silent()), std::bad_alloc);
}

TEST(Daemon, AFailureEndsWithOneAndKeepsTheAccounts) {
  const auto broken = [](const std::string&, const NetworkOptions&) {
    return std::make_unique<FakeNetwork>([](int) { throw std::runtime_error("broken"); });
  };
  Daemon daemon(parse_config(kYaml), broken, silent());
  daemon.start();
  zmq::context_t context;
  zmq::socket_t frames(context, zmq::socket_type::push);
  frames.connect(daemon.source_endpoints().at(0));
  frames.send(zmq::buffer(frame_message(0, 16, 16).SerializeAsString()), zmq::send_flags::sndmore);
  frames.send(zmq::buffer(float_pixels(256)));
  while (daemon.state() != State::failed) std::this_thread::yield();
  daemon.stop();
  EXPECT_EQ(daemon.failure()->sentence, "infer: broken");
  EXPECT_EQ(exit_code(daemon), 1);
  EXPECT_TRUE(daemon.accounts().accounted());
}

TEST(Daemon, ALostDeviceTurnsItRedAndIsToldFromOtherFailures) {
  const auto fragile = [](const std::string&, const NetworkOptions&) {
    return std::make_unique<FakeNetwork>([](int) { throw DeviceLost("GPU 0 fell off the bus"); });
  };
  Daemon daemon(parse_config(kYaml), fragile, silent());
  daemon.start();
  zmq::context_t context;
  zmq::socket_t frames(context, zmq::socket_type::push);
  frames.connect(daemon.source_endpoints().at(0));
  frames.send(zmq::buffer(frame_message(0, 16, 16).SerializeAsString()), zmq::send_flags::sndmore);
  frames.send(zmq::buffer(float_pixels(256)));
  while (daemon.state() != State::failed) std::this_thread::yield();
  EXPECT_THAT(get(daemon.http_port(), "/readyz"), HasSubstr("503"));
  daemon.stop();
  ASSERT_TRUE(daemon.failure());
  EXPECT_EQ(daemon.failure()->sentence, "infer: GPU 0 fell off the bus");
  EXPECT_EQ(exit_code(daemon), 3);
  EXPECT_TRUE(daemon.accounts().accounted());
}

TEST(Daemon, RefusesAPatternSizeThatDoesNotFitTheModel) {
  EXPECT_EQ(problem_of({"preprocess.pattern_size=32"}),
            "preprocess.pattern_size: 32 does not fit the model fake, which takes 16");
}

TEST(Daemon, RefusesACalibrationThatCannotBeRead) {
  EXPECT_THAT(problem_of({"preprocess.calibration=/nowhere.h5"}), StartsWith("preprocess.calibration: "));
}

}  // namespace
}  // namespace flashphase::service
