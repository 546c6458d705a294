#include "service/settings/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace flashphase::service {
namespace {

using testing::HasSubstr;

const std::string kSource = "source: [{endpoint: 'tcp://127.0.0.1:5601'}]\n";

std::string problem_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(yaml, ".", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "(none)";
}

TEST(Config, ReadsHowManyStartsAndHowFarAboveNoise) {
  const auto config = parse_config(kSource + "refine: {policy: above_noise, noise_factor: 3, starts: 4}");
  EXPECT_EQ(config.pipeline.refine_policy, RefinePolicy::above_noise);
  EXPECT_EQ(config.pipeline.refine_noise_factor, 3);
  EXPECT_EQ(config.pipeline.refine_starts, 4);
}

TEST(Config, ReadsABudgetAndNoScheduleBesideTheRoundsUntilExplained) {
  const auto config = parse_config(kSource + "refine: {policy: until_explained, budget: 5000}");
  EXPECT_EQ(config.pipeline.refine_policy, RefinePolicy::until_explained);
  EXPECT_EQ(config.pipeline.refine_budget, 5000);
  EXPECT_THAT(problem_of(kSource + "refine: {policy: until_explained, schedule: thorough}"),
              HasSubstr("refine.schedule: the policy until_explained has rounds of its own"));
  EXPECT_THAT(problem_of(kSource + "refine: {policy: until_explained, budget: 0}"),
              HasSubstr("refine.budget"));
}

TEST(Config, TakesItsDefaultsFromTheSchema) {
  const Config config = parse_config(kSource);
  ASSERT_EQ(config.sources.size(), 1u);
  EXPECT_EQ(config.sources[0].name, "detector");
  EXPECT_FALSE(config.sources[0].zmq.pull);
  EXPECT_EQ(config.sources[0].limits.high_water_mark, 1000);
  EXPECT_EQ(config.sources[0].limits.max_message_bytes, 256 << 20)
      << "a 16-megapixel frame of uint32 has 69 MB";
  EXPECT_EQ(config.sources[0].limits.queue_bytes, 256'000'000u);
  EXPECT_EQ(config.pipeline.ingest_bytes, 768'000'000u);
  EXPECT_EQ(config.preprocess.pattern_size, 64);
  EXPECT_EQ(config.preprocess.centre_y, -1);
  EXPECT_EQ(config.pipeline.batch_size, 16u);
  EXPECT_EQ(config.pipeline.batch_deadline, std::chrono::milliseconds(2));
  EXPECT_EQ(config.model, "none");
  EXPECT_EQ(config.infer_device.kind, DeviceChoice::Kind::automatic);
  EXPECT_EQ(config.refine_device.kind, DeviceChoice::Kind::automatic);
  EXPECT_EQ(config.schedule.text, "polish");
  EXPECT_EQ(config.pipeline.refine_policy, RefinePolicy::off);
  EXPECT_EQ(config.sinks[0].endpoint, "tcp://127.0.0.1:5602");
  EXPECT_EQ(config.http.port, 8080);
}

TEST(Config, ReadsWhatIsGiven) {
  const Config config = parse_config(R"(
source:
  - {name: agipd, endpoint: "tcp://10.0.0.1:4000", socket: pull, bind: true, heartbeat_ms: 0}
  - {name: other, endpoint: "ipc:///tmp/x"}
preprocess: {centring: centre_of_mass, centre_y: 31.5, centre_x: 32, bin: 2}
infer: {device: "cuda:0,1", precision: fp16}
refine: {policy: above_residual, residual: 0.01, schedule: 10*HIO+5*ER, device: cpu, batch: 32}
batch: {deadline_ms: 0.5}
queues: {mode: replay, frames: 12, megabytes: 3}
)");
  EXPECT_EQ(config.sources[0].name, "agipd");
  EXPECT_TRUE(config.sources[0].zmq.pull);
  EXPECT_TRUE(config.sources[0].zmq.bind);
  EXPECT_EQ(config.sources[0].zmq.heartbeat.count(), 0);
  EXPECT_EQ(config.sources[1].name, "other");
  EXPECT_EQ(config.preprocess.centring, preprocess::Centring::centre_of_mass);
  EXPECT_FLOAT_EQ(config.preprocess.centre_y, 31.5f);
  EXPECT_EQ(config.infer_device.gpus, (std::vector<int>{0, 1}));
  EXPECT_EQ(config.network.precision, NetworkOptions::Precision::fp16);
  EXPECT_EQ(config.refine_device.kind, DeviceChoice::Kind::cpu);
  EXPECT_EQ(config.pipeline.refine_batch, 32u);
  EXPECT_EQ(config.schedule.iterations(), 15);
  EXPECT_EQ(config.pipeline.refine_policy, RefinePolicy::above_residual);
  EXPECT_EQ(config.pipeline.batch_deadline, std::chrono::microseconds(500));
  EXPECT_TRUE(config.sources[0].waits);
  EXPECT_TRUE(config.sources[1].waits);
  EXPECT_EQ(config.pipeline.ingest_queue, 12u);
  EXPECT_EQ(config.pipeline.ingest_bytes, 2'250'000u);
  EXPECT_EQ(config.sources[1].limits.queue_bytes, 375'000u);
}

TEST(Config, EverySourceHasItsModeAndEverySinkItsPlace) {
  const Config config = parse_config(R"(
source:
  - {name: camera, endpoint: "ipc:///tmp/x"}
  - {name: disk, endpoint: "ipc:///tmp/y", mode: replay}
sink:
  - {name: upstairs, endpoint: "tcp://127.0.0.1:7000", high_water_mark: 5}
zeromq: {io_threads: 3}
)");
  EXPECT_FALSE(config.sources[0].waits);
  EXPECT_TRUE(config.sources[1].waits);
  ASSERT_EQ(config.sinks.size(), 2u);
  EXPECT_EQ(config.sinks[0].name, "zeromq");
  EXPECT_EQ(config.sinks[1].name, "upstairs");
  EXPECT_EQ(config.sinks[1].high_water_mark, 5);
  EXPECT_EQ(config.io_threads, 3);
}

struct BadConfig {
  const char* name;
  std::string yaml;
  std::string complaint;
};

class ConfigRefuses : public testing::TestWithParam<BadConfig> {};

TEST_P(ConfigRefuses, AndNamesThePath) {
  EXPECT_THAT(problem_of(GetParam().yaml), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Config, ConfigRefuses,
    testing::Values(
        BadConfig{"UnknownSection", kSource + "publisher: {}",
                  "publisher: no such key; known here: source, select"},
        BadConfig{"UnknownKey", kSource + "publish: {endpint: x}",
                  "publish.endpint: no such key; known here: endpoint, high_water_mark"},
        BadConfig{"UnknownKeyInAList", "source: [{endpoint: 'tcp://a:1', sockt: sub}]",
                  "source[0].sockt: no such key"},
        BadConfig{"TextForANumber", kSource + "http: {port: eighty}",
                  "http.port: \"eighty\" is not a whole number"},
        BadConfig{"QuotedNumber", kSource + "http: {port: '80'}", "http.port: \"80\" is not a whole number"},
        BadConfig{"FractionForAWholeNumber", kSource + "batch: {size: 1.5}",
                  "batch.size: \"1.5\" is not a whole number"},
        BadConfig{"NumberTooLargeForItsType", kSource + "batch: {size: 99999999999}",
                  "batch.size: \"99999999999\" is not"},
        BadConfig{"TextForATruth", "source: [{endpoint: 'tcp://a:1', bind: perhaps}]",
                  "source[0].bind: \"perhaps\" is not true or false"},
        BadConfig{"NotANumber", kSource + "refine: {residual: .nan}", "refine.residual: nan is not within"},
        BadConfig{"ListForAValue", kSource + "batch: {size: [1, 2]}", "batch.size: has to be a single value"},
        BadConfig{"ValueForASection", kSource + "batch: 16", "batch: has to be a mapping"},
        BadConfig{"SectionForAList", "source: {endpoint: 'tcp://a:1'}", "source: has to be a list"},
        BadConfig{"ListForTheFile", "[1, 2]", "the file: has to be a mapping"},
        BadConfig{"TwiceTheSameKey", kSource + "batch: {size: 1, size: 2}", "batch.size: is given twice"},
        BadConfig{"NoYaml", kSource + "batch: {size: 1", "not YAML"},
        BadConfig{"NoSource", "batch: {size: 1}", "source: at least one source"},
        BadConfig{"NoEndpoint", "source: [{name: a}]", "source[0].endpoint: is missing"},
        BadConfig{"BadEndpoint", "source: [{endpoint: 'localhost:1'}]",
                  "source[0].endpoint: \"localhost:1\" is not"},
        BadConfig{"InprocEndpoint", "source: [{endpoint: 'inproc://frames'}]",
                  "source[0].endpoint: \"inproc://frames\" is not a ZeroMQ endpoint"},
        BadConfig{"EndpointWithoutPort", "source: [{endpoint: 'tcp://detector'}]",
                  "source[0].endpoint: \"tcp://detector\" has no port"},
        BadConfig{"EndpointPortOutOfRange", kSource + "publish: {endpoint: 'tcp://0.0.0.0:99999'}",
                  "publish.endpoint: \"tcp://0.0.0.0:99999\" has the port \"99999\", which is not within 1 "
                  "to 65535"},
        BadConfig{"AnyHostToConnectTo", "source: [{endpoint: 'tcp://*:5601'}]",
                  "source[0].endpoint: \"tcp://*:5601\" has the host \"*\""},
        BadConfig{"NoMegabytes", kSource + "queues: {megabytes: 0}",
                  "queues.megabytes: 0 is not within 1 to"},
        BadConfig{"TwoSourcesOfOneName", "source: [{endpoint: 'tcp://a:1'}, {endpoint: 'tcp://a:2'}]",
                  "source[1].name: \"detector\" is the name of another source"},
        BadConfig{"UnknownProtocol", "source: [{endpoint: 'tcp://a:1', protocol: udp}]",
                  "source[0].protocol: \"udp\" is not one of native"},
        BadConfig{"UnknownSocket", "source: [{endpoint: 'tcp://a:1', socket: req}]",
                  "source[0].socket: \"req\" is not one of sub, pull"},
        BadConfig{"NoHighWaterMark", "source: [{endpoint: 'tcp://a:1', high_water_mark: 0}]",
                  "source[0].high_water_mark: 0 is not within 1 to"},
        BadConfig{"OddPattern", kSource + "preprocess: {pattern_size: 63}",
                  "preprocess.pattern_size: 63 is not even"},
        BadConfig{"ZeroBin", kSource + "preprocess: {bin: 0}", "preprocess.bin: 0 is not within 1 to 64"},
        BadConfig{"UnknownCentring", kSource + "preprocess: {centring: best}",
                  "preprocess.centring: \"best\" is not one of fixed, centre_of_mass"},
        BadConfig{"UnknownPolicy", kSource + "refine: {policy: sometimes}",
                  "refine.policy: \"sometimes\" is not one of off, all, above_residual"},
        BadConfig{"NoStart", kSource + "refine: {starts: 0}", "refine.starts: 0 is not within 1 to 1000"},
        BadConfig{"NegativeNoiseFactor", kSource + "refine: {noise_factor: -1}",
                  "refine.noise_factor: -1 is not within"},
        BadConfig{"BadSchedule", kSource + "refine: {schedule: 20*FOO}", "refine.schedule: "},
        BadConfig{"UnknownPrecision", kSource + "infer: {precision: fp8}",
                  "infer.precision: \"fp8\" is not one of automatic, fp32, bf16, fp16"},
        BadConfig{"UnknownDevice", kSource + "infer: {device: gpu}",
                  "infer.device: \"gpu\" is not auto, cpu, cuda, or GPUs such as cuda:0 or cuda:0,1"},
        BadConfig{"UnknownRefineDevice", kSource + "refine: {device: 'cuda:x'}",
                  "refine.device: \"cuda:x\" is not"},
        BadConfig{"PortOutOfRange", kSource + "http: {port: 70000}",
                  "http.port: 70000 is not within 0 to 65535"},
        BadConfig{"UnknownLevel", kSource + "log: {level: loud}", "log.level: \"loud\" is not one of debug"},
        BadConfig{"UnknownMode", kSource + "queues: {mode: fast}",
                  "queues.mode: \"fast\" is not one of live, replay"}),
    [](const auto& test) { return test.param.name; });

TEST(Config, TakesEveryKindOfEndpoint) {
  for (const char* endpoint : {"tcp://[::1]:5601", "tcp://detector-host:5601", "ipc:///tmp/frames"})
    EXPECT_EQ(problem_of(kSource, {"source.0.endpoint='" + std::string(endpoint) + "'"}), "(none)");
  for (const char* endpoint : {"tcp://*:5602", "tcp://[::]:*", "tcp://eth0:5602"})
    EXPECT_EQ(problem_of(kSource, {"publish.endpoint='" + std::string(endpoint) + "'"}), "(none)");
}

TEST(Config, ReportsEveryProblemAtOnce) {
  const std::string problem = problem_of("batch: {size: 0}\nhttp: {port: -1}\n");
  EXPECT_THAT(problem, HasSubstr("source: "));
  EXPECT_THAT(problem, HasSubstr("batch.size: 0"));
  EXPECT_THAT(problem, HasSubstr("http.port: -1"));
}

TEST(Config, AnOverrideWinsOverTheFile) {
  const Config config =
      parse_config(kSource + "batch: {size: 4}", ".",
                   {"batch.size=8", "refine.policy=all", "source.0.socket=pull", "source[0].bind=true"});
  EXPECT_EQ(config.pipeline.batch_size, 8u);
  EXPECT_EQ(config.pipeline.refine_policy, RefinePolicy::all);
  EXPECT_TRUE(config.sources[0].zmq.pull);
  EXPECT_TRUE(config.sources[0].zmq.bind);
}

TEST(Config, AnOverrideCanGiveWhatTheFileLeavesOut) {
  const Config config =
      parse_config("", ".", {"source.0.endpoint=tcp://127.0.0.1:1", "publish.high_water_mark=5"});
  EXPECT_EQ(config.sources[0].endpoint, "tcp://127.0.0.1:1");
  EXPECT_EQ(config.sinks[0].high_water_mark, 5);
}

TEST(Config, ABadOverrideIsRefusedByItsPath) {
  EXPECT_THAT(problem_of(kSource, {"batch.sise=8"}), HasSubstr("batch.sise: no such key"));
  EXPECT_THAT(problem_of(kSource, {"batch.size"}), HasSubstr("--set batch.size: has to be key=value"));
  EXPECT_THAT(problem_of(kSource, {"source.7.bind=true"}),
              HasSubstr("--set source.7.bind: there is no such place"));
  EXPECT_THAT(problem_of(kSource, {"batch.size={"}), HasSubstr("--set batch.size: the value is not YAML"));
}

TEST(Config, TakesRelativePathsFromTheDirectoryOfTheFile) {
  const Config config =
      parse_config(kSource + "infer: {model: models/a.fp}\npreprocess: {calibration: /abs/c.h5}", "/etc/fp");
  EXPECT_EQ(config.model, "/etc/fp/models/a.fp");
  EXPECT_EQ(config.calibration, "/abs/c.h5");
}

TEST(Config, WarmsUpBatchSizesUpToTheLargestInTimeThatGoesWithIt) {
  EXPECT_THAT(parse_config(kSource + "batch: {size: 1}").network.warm_up_batches, testing::ElementsAre(1));
  EXPECT_THAT(parse_config(kSource + "batch: {size: 12}").network.warm_up_batches,
              testing::ElementsAre(1, 2, 4, 8, 12));
}

TEST(Config, PrintsItselfSoThatItReadsBackTheSame) {
  const Config config =
      parse_config(kSource + "refine: {policy: above_residual, residual: 0.02}\nbatch: {deadline_ms: 1.5}");
  const Config again = parse_config(config.yaml);
  EXPECT_EQ(again.yaml, config.yaml);
  EXPECT_EQ(again.hash, config.hash);
  EXPECT_THAT(config.yaml, HasSubstr("residual: 0.02"));
  EXPECT_NE(parse_config(kSource).hash, config.hash);
}

TEST(Config, AFileThatIsNotThereIsNamed) {
  try {
    load_config("/nowhere/flashphased.yaml");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/flashphased.yaml: cannot be read"));
  }
}

TEST(Config, TheFilesInDeployAreGood) {
  const char* root = std::getenv("FLASHPHASE_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(root) / "deploy/config")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    EXPECT_NO_THROW(load_config(entry.path().string())) << entry.path();
  }
  EXPECT_GE(files, 2);
}

}  // namespace
}  // namespace flashphase::service
