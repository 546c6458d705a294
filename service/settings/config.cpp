#include "service/settings/config.h"

#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <sstream>

#include "proto/config.pb.h"
#include "proto/endpoint.h"
#include "service/ingest/protocols.h"
#include "service/settings/settings_walker.h"
#include "service/settings/yaml_message.h"

namespace flashphase::service {

namespace {

using Problems = std::vector<std::string>;

/// Checks of what the options in proto/config.proto do not say; each adds one line per value that is wrong.
class Checker {
 public:
  explicit Checker(Problems& problems) : problems_(problems) {}

  void fail(const std::string& path, const std::string& sentence) {
    problems_.push_back(path + ": " + sentence);
  }

  DeviceChoice device(const std::string& path, const std::string& value) {
    const auto choice = parse_device(value);
    if (!choice)
      fail(path, fmt::format("\"{}\" is not auto, cpu, cuda, or GPUs such as cuda:0 or cuda:0,1", value));
    return choice.value_or(DeviceChoice{});
  }

  void endpoint(const std::string& path, const std::string& value, EndpointUse use) {
    if (const auto problem = endpoint_problem(value, use)) fail(path, *problem);
  }

  /// The row of this name, or nullptr.
  template <class Protocol>
  const Protocol* protocol(const std::string& path, const std::string& value,
                           std::span<const Protocol> protocols) {
    std::string names;
    for (const Protocol& protocol : protocols) {
      if (protocol.name == value) return &protocol;
      names += (names.empty() ? "" : ", ") + std::string(protocol.name);
    }
    fail(path, fmt::format("\"{}\" is not one of {}", value, names));
    return nullptr;
  }

 private:
  Problems& problems_;
};

void check_sources(const v1::Config& config, Checker& check) {
  if (config.source_size() == 0) check.fail("source", "at least one source of frames is needed");
  std::set<std::string> names;
  for (int i = 0; i < config.source_size(); ++i) {
    const auto& source = config.source(i);
    const std::string at = fmt::format("source[{}].", i);
    if (!names.insert(source.name()).second)
      check.fail(at + "name", fmt::format("\"{}\" is the name of another source", source.name()));
    if (const auto* protocol = check.protocol(at + "protocol", source.protocol(), ingest::protocols()))
      if (const auto problem = protocol->endpoint_problem(source.endpoint(), source.bind()))
        check.fail(at + "endpoint", *problem);
  }
}

void check_sinks(const v1::Config& config, Checker& check) {
  check.endpoint("publish.endpoint", config.publish().endpoint(), EndpointUse::bind);
  std::set<std::string> names{"zeromq", "live_view"};
  for (int i = 0; i < config.sink_size(); ++i) {
    const auto& sink = config.sink(i);
    const std::string at = fmt::format("sink[{}].", i);
    if (!sink.has_name())
      check.fail(at + "name", "is needed");
    else if (!names.insert(sink.name()).second)
      check.fail(at + "name", fmt::format("\"{}\" is the name of another sink", sink.name()));
    if (const auto* protocol = check.protocol(at + "protocol", sink.protocol(), publish::protocols()))
      if (const auto problem = protocol->endpoint_problem(sink.endpoint()))
        check.fail(at + "endpoint", *problem);
  }
}

refine::Schedule schedule_of(const v1::Config& config, Checker& check) {
  try {
    const std::string& schedule = config.refine().schedule();
    if (config.refine().policy() == "until_explained" && schedule != "polish" && schedule != "explain")
      throw std::invalid_argument("the policy until_explained has rounds of its own; leave the schedule out");
    return refine::parse_schedule(schedule);
  } catch (const std::invalid_argument& error) {
    check.fail("refine.schedule", error.what());
    return {};
  }
}

[[noreturn]] void refuse(const Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  throw ConfigError(text);
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> keys(1);
  for (const char c : path) {
    if (c == '.' || c == '[')
      keys.emplace_back();
    else if (c != ']')
      keys.back() += c;
  }
  return keys;
}

/// Lays one "path=value" over the document.
void apply_override(YAML::Node& root, const std::string& text, Problems& problems) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.push_back(fmt::format("--set {}: has to be key=value, such as refine.policy=all", text));
    return;
  }
  const std::string path = text.substr(0, equals);
  try {
    const YAML::Node value = YAML::Load(text.substr(equals + 1));
    YAML::Node at;
    at.reset(root);
    for (const std::string& key : split_path(path)) {
      std::size_t index = 0;
      const auto parsed = std::from_chars(key.data(), key.data() + key.size(), index);
      const bool is_index = !key.empty() && parsed.ptr == key.data() + key.size();
      if (is_index && index > (at.IsSequence() ? at.size() : 0)) throw std::out_of_range(key);
      YAML::Node next = is_index ? at[index] : at[key];
      at.reset(next);
    }
    at = value;
  } catch (const YAML::ParserException& error) {
    problems.push_back(fmt::format("--set {}: the value is not YAML: {}", path, error.msg));
  } catch (const std::exception&) {
    problems.push_back(fmt::format("--set {}: there is no such place in the configuration", path));
  }
}

/// What the file gives with the overrides laid over it, as a message.
v1::Config read_config(const std::string& text, const std::vector<std::string>& overrides) {
  Problems problems;
  v1::Config config;
  try {
    YAML::Node root = YAML::Load(text);
    if (!root.IsDefined() || root.IsNull()) root = YAML::Node(YAML::NodeType::Map);
    for (const auto& change : overrides) apply_override(root, change, problems);
    read_yaml(root, config, "", problems);
  } catch (const YAML::ParserException& error) {
    problems.push_back(fmt::format("line {}, column {}: not YAML: {}", error.mark.line + 1,
                                   error.mark.column + 1, error.msg));
  }
  if (!problems.empty()) refuse(problems);
  return config;
}

std::string absolute(const std::string& path, const std::string& directory) {
  return std::filesystem::absolute(std::filesystem::path(directory) / path).lexically_normal().string();
}

/// FNV-1a, 64 bit: tells two configurations apart, protects nothing.
std::string hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return fmt::format("{:016x}", hash);
}

/// Of the frames that wait, a quarter in the sockets of all sources.
std::size_t queue_bytes(const v1::Config& config) {
  return static_cast<std::size_t>(config.queues().megabytes()) * 750'000;
}
std::size_t socket_bytes(const v1::Config& config) {
  return static_cast<std::size_t>(config.queues().megabytes()) * 250'000 /
         static_cast<std::size_t>(config.source_size());
}

std::vector<ingest::SourceConfig> sources_of(const v1::Config& config) {
  std::vector<ingest::SourceConfig> sources;
  for (const auto& source : config.source())
    sources.push_back({.name = source.name(),
                       .protocol = source.protocol(),
                       .endpoint = source.endpoint(),
                       .waits = (source.has_mode() ? source.mode() : config.queues().mode()) == "replay",
                       .limits = {.max_message_bytes = static_cast<std::size_t>(source.max_message_bytes()),
                                  .high_water_mark = source.high_water_mark(),
                                  .queue_bytes = socket_bytes(config)},
                       .zmq = {.pull = source.socket() == "pull",
                               .bind = source.bind(),
                               .heartbeat = std::chrono::milliseconds(source.heartbeat_ms())}});
  return sources;
}

std::vector<publish::SinkConfig> sinks_of(const v1::Config& config) {
  std::vector<publish::SinkConfig> sinks{
      {.endpoint = config.publish().endpoint(), .high_water_mark = config.publish().high_water_mark()}};
  for (const auto& sink : config.sink())
    sinks.push_back({.name = sink.name(),
                     .protocol = sink.protocol(),
                     .endpoint = sink.endpoint(),
                     .high_water_mark = sink.high_water_mark()});
  return sinks;
}

RawLimits limits_of(const v1::Preprocess& config) {
  RawLimits limits;
  if (config.has_invalid_below()) limits.invalid_below = config.invalid_below();
  if (config.has_saturation()) limits.saturation = config.saturation();
  return limits;
}

preprocess::Config preprocess_of(const v1::Preprocess& config) {
  return {.pattern_size = config.pattern_size(),
          .bin = config.bin(),
          .centring = config.centring() == "fixed" ? preprocess::Centring::fixed
                                                   : preprocess::Centring::centre_of_mass,
          .centre_y = config.has_centre_y() ? config.centre_y() : -1,
          .centre_x = config.has_centre_x() ? config.centre_x() : -1,
          .limits = limits_of(config),
          .expected_rows = config.expected_rows(),
          .expected_columns = config.expected_columns()};
}

NetworkOptions network_of(const v1::Config& config) {
  using Precision = NetworkOptions::Precision;
  NetworkOptions options;
  const std::string& precision = config.infer().precision();
  options.precision = precision == "fp32"   ? Precision::fp32
                      : precision == "bf16" ? Precision::bf16
                      : precision == "fp16" ? Precision::fp16
                                            : Precision::automatic;
  options.threads = config.infer().threads();
  options.warm_up_batches.clear();
  for (int size = 1; size < config.batch().size(); size *= 2) options.warm_up_batches.push_back(size);
  options.warm_up_batches.push_back(config.batch().size());
  return options;
}

PipelineConfig pipeline_of(const v1::Config& config) {
  const std::string& policy = config.refine().policy();
  return {.ingest_queue = static_cast<std::size_t>(config.queues().frames()),
          .ingest_bytes = queue_bytes(config),
          .preprocess_threads = config.preprocess().threads(),
          .batch_size = static_cast<std::size_t>(config.batch().size()),
          .batch_deadline = std::chrono::microseconds(std::lround(config.batch().deadline_ms() * 1000)),
          .infer_workers = config.infer().workers(),
          .refine_policy = policy == "off"              ? RefinePolicy::off
                           : policy == "all"            ? RefinePolicy::all
                           : policy == "above_noise"    ? RefinePolicy::above_noise
                           : policy == "above_residual" ? RefinePolicy::above_residual
                                                        : RefinePolicy::until_explained,
          .refine_residual = config.refine().residual(),
          .refine_noise_factor = config.refine().noise_factor(),
          .refine_budget = config.refine().budget(),
          .refine_starts = config.refine().starts(),
          .refine_queue = static_cast<std::size_t>(config.refine().queue()),
          .refine_workers = config.refine().workers(),
          .refine_batch = static_cast<std::size_t>(config.refine().batch())};
}

}  // namespace

Config parse_config(const std::string& yaml, const std::string& directory,
                    const std::vector<std::string>& overrides) {
  v1::Config effective = read_config(yaml, overrides);
  Problems problems;
  complete_settings(effective, "", problems);
  Checker check(problems);
  check_sources(effective, check);
  if (const int size = effective.preprocess().pattern_size(); size % 2 != 0)
    check.fail("preprocess.pattern_size", fmt::format("{} is not even", size));
  check_sinks(effective, check);
  refine::Schedule schedule = schedule_of(effective, check);
  DeviceChoice infer_device = check.device("infer.device", effective.infer().device());
  DeviceChoice refine_device = check.device("refine.device", effective.refine().device());
  if (!problems.empty()) refuse(problems);

  if (effective.infer().model() != "none")
    effective.mutable_infer()->set_model(absolute(effective.infer().model(), directory));
  if (!effective.preprocess().calibration().empty())
    effective.mutable_preprocess()->set_calibration(
        absolute(effective.preprocess().calibration(), directory));

  Config config;
  config.sources = sources_of(effective);
  config.select = {.pixel_threshold = effective.select().pixel_threshold(),
                   .minimum_lit_pixels = effective.select().minimum_lit_pixels()};
  config.preprocess = preprocess_of(effective.preprocess());
  config.calibration = effective.preprocess().calibration();
  config.model = effective.infer().model();
  config.network = network_of(effective);
  config.infer_device = std::move(infer_device);
  config.refine_device = std::move(refine_device);
  config.schedule = std::move(schedule);
  config.pipeline = pipeline_of(effective);
  config.sinks = sinks_of(effective);
  config.io_threads = effective.zeromq().io_threads();
  config.http = {.address = effective.http().address(),
                 .port = static_cast<std::uint16_t>(effective.http().port())};
  config.log_level = effective.log().level();
  config.yaml = write_yaml(effective);
  config.hash = hash_of(config.yaml);
  return config;
}

Config load_config(const std::string& path, const std::vector<std::string>& overrides) {
  std::ifstream file(path);
  if (!file) throw ConfigError(fmt::format("{}: cannot be read; give the configuration file with -c", path));
  std::ostringstream text;
  text << file.rdbuf();
  const auto directory = std::filesystem::path(path).parent_path();
  return parse_config(text.str(), directory.empty() ? "." : directory.string(), overrides);
}

}  // namespace flashphase::service
