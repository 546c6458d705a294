#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>
#include <malloc.h>
#include <semaphore.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/dataset/dataset.h"
#include "engine/device/device_lost.h"
#include "engine/device/stop_signals.h"
#include "engine/infer/network.h"
#include "engine/preprocess/calibration.h"
#include "service/daemon.h"
#include "service/monitor/log.h"
#include "service/monitor/memory_shortage.h"
#include "service/settings/config.h"

namespace {

using namespace flashphase;

constexpr int kDone = 0, kFailed = 1, kWrongUsage = 2, kDeviceLost = 3;

struct Options {
  std::string config;
  bool check = false;
  bool print_config = false;
  std::vector<std::string> set;
};

/// Whether the program was started at a terminal, which sends SIGHUP when it closes.
bool has_terminal() {
  const int file = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (file >= 0) close(file);
  return file >= 0;
}

/// SIGTERM and SIGINT: the first asks for a drain, a second one ends the program at once. SIGHUP: of a
/// terminal that closes it asks for a drain, however often it comes (it comes twice); a service without one
/// is asked to read its model anew. Where it is ignored (nohup) it stays so. SIGPIPE is ignored: whoever
/// reads the log may go. A handler, not a blocked signal that is waited for: libraries start threads before
/// main() in which it would not be blocked.
class Signals {
 public:
  enum class Asked { nothing, drain, reload };

  Signals() {
    hang_up_reloads_ = !has_terminal();
    sem_init(&asked_, 0, 0);
    struct sigaction action {};
    action.sa_handler = [](int number) {
      if (number == SIGHUP && hang_up_reloads_)
        reload_ = true;
      else if (number != SIGHUP && ended_.exchange(true))
        _exit(kFailed);
      else
        drain_ = true;
      sem_post(&asked_);
    };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    if (!hang_up_was_ignored()) sigaction(SIGHUP, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
    if (hang_up_was_ignored()) sigaction(SIGHUP, &action, nullptr);
  }

  /// What was asked for by the end of a fifth of a second. A drain comes before all else.
  Asked wait() const {
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200'000'000;
    until.tv_sec += until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    if (sem_timedwait(&asked_, &until) != 0) return Asked::nothing;
    if (drain_) return Asked::drain;
    return reload_.exchange(false) ? Asked::reload : Asked::nothing;
  }

 private:
  // What a signal handler may touch; there is one set of handlers in a process.
  static inline std::atomic<bool> hang_up_reloads_{false}, ended_{false}, drain_{false}, reload_{false};
  static inline sem_t asked_{};
};

/// Opens what is closed of standard input, output and error, lest the log goes to a socket of that number.
void open_standard_files() {
  while (true) {
    const int file = open("/dev/null", O_RDWR);
    if (file > STDERR_FILENO) close(file);
    if (file < 0 || file > STDERR_FILENO) return;
  }
}

/// Memory of frames that are gone is kept for those to come: given back to the kernel, each new one would
/// have to be zeroed and mapped page by page, which takes longer than reading it. Frames of 32 MB and more
/// are mapped one by one.
void keep_memory_of_frames() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

std::unique_ptr<Network> network_from_file(const std::string& model, const NetworkOptions& options) {
  return make_network(model, options);
}

/// What the mask leaves, in words; nothing without one.
std::string measured_text(const service::Config& config) {
  const auto calibration = preprocess::load_calibration(config.calibration);
  const MeasuredShare share{calibration->measured_pixels(), calibration->measured.size()};
  return share.pixels > 0 ? share.text() : "";
}

/// The model that the configuration file names now, from its file as it is now. What cannot be had changes
/// nothing, and is logged.
void reload_model(const Options& options, const service::Config& running, service::Daemon& daemon,
                  spdlog::logger& logger) {
  try {
    const service::Config config = service::load_config(options.config, options.set);
    if (config.hash != running.hash && config.model == running.model)
      logger.warn(
          "event=restart_needed reason={}",
          service::quoted("the configuration has changed; only infer.model is taken without a restart"));
    daemon.replace_model(config.model);
  } catch (const service::ConfigError& error) {
    logger.warn("event=model_refused reason={}", service::quoted(error.what()));
  } catch (const std::exception&) {  // the daemon has logged it
  }
}

int serve(const Options& options, const service::Config& config) {
  using Asked = Signals::Asked;
  const Signals signals;
  keep_memory_of_frames();
  const service::MemoryReserve reserve;
  google::protobuf::SetLogHandler(nullptr);  // a bad message is counted; it writes no line of its own
  const auto logger = service::make_logger(config.log_level);
  logger->info("event=start version={} pid={} config_hash={} config={}", FLASHPHASE_VERSION, getpid(),
               config.hash, service::quoted(config.yaml));
  service::Daemon daemon(config, network_from_file, logger);
  if (const std::string text = measured_text(config); !text.empty())
    logger->info("event=calibration measured={}", service::quoted(text));
  daemon.start();
  for (auto asked = Asked::nothing; asked != Asked::drain && !daemon.exhausted(); asked = signals.wait()) {
    if (daemon.state() == service::State::failed) break;
    if (asked == Asked::reload) reload_model(options, config, daemon, *logger);
  }
  daemon.stop();
  const int code = service::exit_code(daemon);
  // An exception that has passed through libzmq leaves sockets behind whose end may never come.
  if (daemon.failure() && service::MemoryReserve::is_short()) _exit(code);
  return code;
}

int run(const Options& options) {
  const service::Config config = service::load_config(options.config, options.set);
  if (options.print_config && (std::fputs(config.yaml.c_str(), stdout) < 0 || std::fflush(stdout) != 0))
    throw std::runtime_error(std::string("standard output: ") + std::strerror(errno));
  if (options.check) {
    (void)service::make_stages(config, network_from_file);
    if (const std::string text = measured_text(config); !text.empty())
      std::fprintf(stderr, "preprocess.calibration: %s\n", text.c_str());
    std::fputs("the configuration is good\n", stderr);
  }
  return options.check || options.print_config ? kDone : serve(options, config);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_files();
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
  } catch (const std::bad_alloc&) {
    std::fputs("flashphased: the memory does not suffice\n", stderr);
    return kFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flashphased: %s\n", error.what());
    return kFailed;
  }
}
