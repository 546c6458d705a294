#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/infer/network.h"
#include "engine/preprocess/preprocess.h"
#include "engine/refine/schedule.h"
#include "engine/select/hit_finder.h"
#include "service/ingest/source_config.h"
#include "service/pipeline/pipeline_config.h"
#include "service/publish/protocols.h"
#include "service/settings/devices.h"

namespace flashphase::service {

/// Everything wrong with a configuration, one line each: `path: what is wrong and what would be right`.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct HttpConfig {
  std::string address;
  std::uint16_t port = 0;  ///< 0 = any free port
};

/// The effective configuration: proto/config.proto (where each value is documented) with the defaults filled
/// in, checked, and with paths made absolute.
struct Config {
  std::vector<ingest::SourceConfig> sources;
  select::Config select;
  preprocess::Config preprocess;
  std::string calibration;  ///< empty = none
  std::string model;        ///< "none" or a path
  NetworkOptions network;   ///< but for the device
  DeviceChoice infer_device, refine_device;
  refine::Schedule schedule;
  PipelineConfig pipeline;
  std::vector<publish::SinkConfig> sinks;  ///< first that of `publish`
  int io_threads = 1;                      ///< of ZeroMQ, for frames, and as many for results
  HttpConfig http;
  std::string log_level;

  std::string yaml;  ///< the whole of it as YAML, defaults included
  std::string hash;  ///< of `yaml`, 16 hex digits
};

/// Reads the file and lays `overrides` ("refine.policy=all", "source.0.endpoint=tcp://...") over it. Throws
/// ConfigError.
Config load_config(const std::string& path, const std::vector<std::string>& overrides = {});

/// The same from text; relative paths are taken from `directory`.
Config parse_config(const std::string& yaml, const std::string& directory = ".",
                    const std::vector<std::string>& overrides = {});

}  // namespace flashphase::service
