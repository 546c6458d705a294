#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "engine/frame/device_lost.h"
#include "engine/infer/network.h"
#include "service/config.h"
#include "service/daemon.h"
#include "service/log.h"

namespace {

using namespace flashphase;

constexpr int kDone = 0, kFailed = 1, kWrongUsage = 2, kDeviceLost = 3;

struct Options {
  std::string config;
  bool check = false;
  bool print_config = false;
  std::vector<std::string> set;
};

/// The signals that stop the daemon. Blocked in every thread, and taken by wait() in the main one.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  /// Whether one came within a fifth of a second.
  bool wait() const {
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 200'000'000};
    return sigtimedwait(&signals_, nullptr, &kPause) > 0;
  }

  /// From here on another one ends the program at once.
  void let_through() const {
    struct sigaction at_once {};
    at_once.sa_handler = [](int) { _exit(kFailed); };
    sigaction(SIGTERM, &at_once, nullptr);
    sigaction(SIGINT, &at_once, nullptr);
    pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  }

 private:
  sigset_t signals_{};
};

int serve(const service::Config& config) {
  const StopSignals signals;
  google::protobuf::SetLogHandler(nullptr);  // a bad message is counted; it writes no line of its own
  const auto logger = service::make_logger(config.log_level);
  logger->info("event=start version={} pid={} config_hash={} config={}", FLASHPHASE_VERSION, getpid(),
               config.hash, service::quoted(config.yaml));
  service::Daemon daemon(config, make_network, logger);
  daemon.start();
  while (daemon.state() != service::State::failed && !signals.wait()) {
  }
  signals.let_through();
  daemon.stop();
  if (const auto failure = daemon.failure()) return failure->device_lost ? kDeviceLost : kFailed;
  return daemon.accounts().accounted() ? kDone : kFailed;
}

int run(const Options& options) {
  const service::Config config = service::load_config(options.config, options.set);
  if (options.print_config) std::fputs(config.yaml.c_str(), stdout);
  if (options.check) {
    (void)service::make_stages(config, make_network);
    std::fputs("the configuration is good\n", stderr);
  }
  return options.check || options.print_config ? kDone : serve(config);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"flashphased: detector frames in over ZeroMQ, reconstructions out"};
  app.set_version_flag("--version", FLASHPHASE_VERSION);
  app.add_option("-c,--config", options.config,
                 "configuration file (YAML; proto/config.proto says what is in it)")
      ->required();
  app.add_flag("--check", options.check, "check the configuration, the calibration and the model, and end");
  app.add_flag("--print-config", options.print_config,
               "print the configuration with all defaults filled in, and end");
  app.add_option("--set", options.set,
                 "KEY=VALUE laid over the file, e.g. refine.policy=all or source.0.bind=true")
      ->allow_extra_args(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  try {
    return run(options);
  } catch (const service::ConfigError& error) {
    std::fprintf(stderr, "flashphased: %s\n", error.what());
    return kWrongUsage;
  } catch (const DeviceLost& error) {
    std::fprintf(stderr, "flashphased: %s\n", error.what());
    return kDeviceLost;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flashphased: %s\n", error.what());
    return kFailed;
  }
}
