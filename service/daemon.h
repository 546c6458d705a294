#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/infer/network.h"
#include "service/monitor/lifecycle.h"
#include "service/pipeline/pipeline.h"
#include "service/settings/config.h"

namespace flashphase::service {

using NetworkFactory =
    std::function<std::unique_ptr<Network>(const std::string& model, const NetworkOptions& options)>;

/// Makes everything the configuration asks for that needs no socket: reads the calibration, loads and warms
/// the model. Throws ConfigError with the key that is at fault.
Stages make_stages(const Config& config, const NetworkFactory& make_network);

/// The wired program: sources, pipeline, sinks, HTTP. Building it opens the sockets and loads the model, and
/// throws ConfigError, naming the key, when the configuration cannot be had; nothing runs until start().
class Daemon {
 public:
  Daemon(const Config& config, const NetworkFactory& make_network, std::shared_ptr<spdlog::logger> logger);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void start();
  /// Drains (Pipeline::stop). The HTTP side answers meanwhile.
  void stop();

  /// From the next batches on workers run the model of this file, which is loaded and warmed first, beside
  /// the running one; or "none". Throws std::runtime_error with one sentence, which is logged too, and
  /// changes nothing, when it cannot be had. Takes as long as loading does. Thread-safe.
  void replace_model(const std::string& path);

  State state() const;
  /// Whether every source is at its end.
  bool exhausted() const;
  std::optional<Pipeline::Failure> failure() const;
  Accounts accounts() const;
  /// The document of /api/v1/status.
  std::string status() const;

  std::uint16_t http_port() const;
  std::string publish_endpoint() const;
  std::vector<std::string> source_endpoints() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What the program ends with once the daemon has stopped: 0 all is accounted for, 1 it failed, 3 a device
/// was lost.
int exit_code(const Daemon& daemon);

}  // namespace flashphase::service
