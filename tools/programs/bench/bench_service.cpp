#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/frame/frame.h"
#include "proto/json.h"
#include "proto/reconstruction.pb.h"
#include "tools/programs/bench/commands.h"
#include "tools/shared/child_process.h"
#include "tools/shared/program.h"
#include "tools/shared/result_receiver.h"

namespace flashphase::tools {
namespace {

using std::chrono::milliseconds;

struct Arguments {
  std::uint64_t frames = 1000;
  std::string rate = "100";
  std::string trains;
  std::string network = "flash";
  std::string model;
  std::string backend = "auto";
  std::string refine;
  int batch = 16;
  int workers = 1;
  int preprocess_threads = 1;
  double swap_every = 0;
  bool json = false;
};

/// A folder for the logs and the configuration, removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder()
      : path_(std::filesystem::temp_directory_path() / ("flashphase-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct Ports {
  int frames = free_port();
  int results = free_port();
  int http = free_port();
};

std::string endpoint(int port) {
  return "tcp://127.0.0.1:" + std::to_string(port);
}

std::string model_of(const Arguments& arguments) {
  if (arguments.network == "none") return "none";
  return arguments.model.empty() ? shipped_model() : std::filesystem::absolute(arguments.model).string();
}

void write_config(const Arguments& arguments, const Ports& ports, const std::string& path) {
  const bool replay = arguments.trains.empty() && arguments.rate == "max";
  std::ofstream file(path);
  file << "source:\n- {endpoint: \"" << endpoint(ports.frames) << "\", socket: pull, bind: true}\n"
       << "preprocess: {expected_rows: 64, expected_columns: 64, threads: " << arguments.preprocess_threads
       << "}\n"
       << "batch: {size: " << arguments.batch << "}\n"
       << "infer: {model: \"" << model_of(arguments) << "\", device: " << arguments.backend
       << ", workers: " << arguments.workers << "}\n"
       << "refine: {policy: " << (arguments.refine.empty() ? "off" : "all")
       << ", device: " << arguments.backend << ", queue: 16384"
       << (arguments.refine.empty() ? "" : ", schedule: \"" + arguments.refine + "\"") << "}\n"
       << "publish: {endpoint: \"" << endpoint(ports.results) << "\", high_water_mark: 100000}\n"
       << "http: {port: " << ports.http << "}\n"
       << "log: {level: warning}\n"
       << "queues: {mode: " << (replay ? "replay" : "live") << "}\n";
}

std::optional<YAML::Node> status_of(int http_port) {
  const auto body = http_get(http_port, "/api/v1/status");
  if (!body) return std::nullopt;
  return YAML::Load(*body);
}

void wait_until_ready(ChildProcess& daemon, int http_port) {
  const auto deadline = Clock::now() + std::chrono::seconds(120);
  while (Clock::now() < deadline) {
    if (daemon.wait(milliseconds(20)))
      throw std::runtime_error("flashphased ended at once:\n" + daemon.output());
    if (http_get(http_port, "/readyz")) return;
  }
  throw std::runtime_error("flashphased did not become ready within 120 s:\n" + daemon.output());
}

/// What came out of the daemon, seen as any subscriber sees it.
struct Watched {
  std::uint64_t inferred = 0;
  Clock::time_point first{}, last{};
  std::optional<v1::Bye> bye;

  void take(const v1::ResultMessage& message) {
    if (message.has_bye()) bye = message.bye();
    if (!message.has_reconstruction() || message.reconstruction().stage() != v1::RESULT_STAGE_INFERRED)
      return;
    last = Clock::now();
    if (inferred++ == 0) first = last;
  }
  double frames_per_second() const {
    const double seconds = seconds_between<double>(first, last);
    return inferred > 1 && seconds > 0 ? static_cast<double>(inferred - 1) / seconds : 0;
  }
};

void wait_for_subscription(int http_port) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (Clock::now() < deadline) {
    if (const auto status = status_of(http_port); status && (*status)["subscriptions"].as<int>() > 0) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
  throw std::runtime_error("flashphased did not see the watcher's subscription within 10 s");
}

/// Has the daemon load its model anew, again and again, as an operator does who replaces it.
class Swapper {
 public:
  /// Every so many seconds; 0 = never.
  Swapper(double seconds, int http_port, std::string model, const ChildProcess& daemon) {
    if (seconds <= 0) return;
    thread_ = std::jthread([=, this, &daemon](const std::stop_token& stopped) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      while (!never.wait_for(lock, stopped, std::chrono::duration<double>(seconds), [] { return false; }) &&
             !stopped.stop_requested()) {
        const bool done = http_post(http_port, "/api/v1/model", R"({"model": ")" + model + "\"}").has_value();
        ++(done ? swaps_ : refused_);
        const std::size_t resident = daemon.resident_bytes();
        if (swaps_ == kSettled) first_ = resident;
        last_ = resident;
      }
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
  }

  /// After stop().
  JsonObject report() const {
    JsonObject report;
    report.add("done", swaps_).add("refused", refused_);
    report.add("rss_megabytes_first", static_cast<double>(first_) / 1e6);
    return report.add("rss_megabytes_last", static_cast<double>(last_) / 1e6);
  }

 private:
  static constexpr std::uint64_t kSettled = 5;  // swaps until the heap has its size

  std::uint64_t swaps_ = 0, refused_ = 0;
  std::size_t first_ = 0, last_ = 0;
  std::jthread thread_;
};

std::vector<std::string> simulator_command(const Arguments& arguments, const Ports& ports) {
  std::vector<std::string> command{program_folder() + "/flashphase-sim",
                                   "--protocol",
                                   "native",
                                   "--endpoint",
                                   endpoint(ports.frames),
                                   "--frames",
                                   std::to_string(arguments.frames)};
  if (arguments.trains.empty())
    command.insert(command.end(), {"--rate", arguments.rate});
  else
    command.insert(command.end(), {"--trains", arguments.trains});
  return command;
}

std::uint64_t total(const YAML::Node& counts) {
  if (!counts || counts.IsNull()) return 0;
  if (counts.IsScalar()) return counts.as<std::uint64_t>();
  std::uint64_t sum = 0;
  for (const auto& entry : counts) sum += total(entry.second);
  return sum;
}

/// Frames that the simulator, which has ended, says it sent.
std::uint64_t sent_by(ChildProcess& simulator) {
  return YAML::Load(simulator.output())["sent"].as<std::uint64_t>();
}

/// Receives until every sent frame is accounted for in the daemon, or nothing moves for ten seconds.
YAML::Node watch_until_accounted(ResultReceiver& receiver, ChildProcess& simulator, int http_port,
                                 Watched& watched) {
  auto next_look = Clock::now();
  auto moved = Clock::now();
  std::uint64_t last_done = 0;
  while (!stop_requested()) {
    if (const auto* message = receiver.receive(milliseconds(50))) {
      watched.take(*message);
      if (Clock::now() < next_look) continue;
    }
    next_look = Clock::now() + milliseconds(500);
    const auto status = status_of(http_port);
    if (!status) throw std::runtime_error("flashphased no longer answers");
    const std::uint64_t received = (*status)["received"].as<std::uint64_t>();
    const std::uint64_t published = (*status)["published"].as<std::uint64_t>();
    const std::uint64_t done = published + total((*status)["rejected"]) + total((*status)["dropped"]);
    if (done != last_done) moved = Clock::now();
    last_done = done;
    const auto ended = simulator.wait(milliseconds(0));
    if (ended && *ended != kDone) return *status;
    const bool all_here = ended && received >= sent_by(simulator);  // not some still on their way
    const bool all_seen = watched.inferred >= published;
    if (all_here && done == received && all_seen && (*status)["in_flight"].as<std::uint64_t>() == 0)
      return *status;
    if (Clock::now() - moved > std::chrono::seconds(10)) return *status;
  }
  throw std::runtime_error("stopped");
}

int run(const Arguments& arguments) {
  stop_on_signals();
  const ScratchFolder scratch;
  const Ports ports;
  write_config(arguments, ports, scratch.file("config.yaml"));
  ChildProcess daemon({program_folder() + "/flashphased", "-c", scratch.file("config.yaml")},
                      scratch.file("daemon.log"));
  wait_until_ready(daemon, ports.http);
  ResultReceiver receiver(endpoint(ports.results));
  wait_for_subscription(ports.http);
  ChildProcess simulator(simulator_command(arguments, ports), scratch.file("sim.log"));
  Swapper swapper(arguments.swap_every, ports.http, model_of(arguments), daemon);
  Watched watched;
  const YAML::Node status = watch_until_accounted(receiver, simulator, ports.http, watched);
  swapper.stop();
  daemon.terminate();
  while (!watched.bye) {
    const auto* message = receiver.receive(milliseconds(5000));
    if (message == nullptr) break;
    watched.take(*message);
  }
  const auto daemon_exit = daemon.wait(std::chrono::seconds(20));
  if (simulator.wait(milliseconds(0)) != kDone)
    throw std::runtime_error("flashphase-sim failed:\n" + simulator.output());

  const std::uint64_t sent = sent_by(simulator);
  const bool accounted = watched.bye && daemon_exit == kDone && sent == watched.bye->received() &&
                         watched.bye->received() ==
                             watched.bye->published() + watched.bye->rejected() + watched.bye->dropped() &&
                         watched.inferred == watched.bye->published();
  JsonObject latency;
  for (const char* name : {"p50", "p90", "p99", "max"})
    latency.add(name, status["latency_milliseconds"][name].as<double>());
  JsonObject report;
  report.add("sent", sent).add("received", status["received"].as<std::uint64_t>());
  report.add("published", status["published"].as<std::uint64_t>()).add("rejected", total(status["rejected"]));
  report.add("dropped", total(status["dropped"]))
      .add("watched", watched.inferred)
      .add("accounted", accounted);
  if (!arguments.refine.empty()) report.add("refined", status["refined"].as<std::uint64_t>());
  if (arguments.swap_every > 0) report.add("swaps", swapper.report());
  report.add("frames_per_second", watched.frames_per_second()).add("latency_milliseconds", latency);
  std::cout << report.text() << '\n';
  if (!accounted)
    std::cerr << "flashphase-bench: not every frame is accounted for; the daemon said:\n" << daemon.output();
  return accounted ? kDone : kFailed;
}

}  // namespace

Command add_bench_service(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand(
      "service", "the real daemon between a simulator and a watcher, all on this machine");
  auto arguments = std::make_shared<Arguments>();
  app->add_option("--frames", arguments->frames)->check(CLI::PositiveNumber)->capture_default_str();
  auto* rate = app->add_option("--rate", arguments->rate,
                               "frames per second, or max (the daemon then makes the simulator wait)");
  rate->capture_default_str();
  app->add_option("--trains", arguments->trains, "trains a second x pulses a train, e.g. 10x352")
      ->excludes(rate);
  app->add_option("--network", arguments->network, "flash or none")
      ->check(CLI::IsMember({"flash", "none"}))
      ->capture_default_str();
  app->add_option("--model", arguments->model, "model file for flash; default: the shipped one");
  app->add_option("--backend", arguments->backend, "where networks and refinement run")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--refine", arguments->refine, "refine every frame by this schedule, e.g. 100*HIO");
  app->add_option("--batch", arguments->batch, "most frames in one network call")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--workers", arguments->workers, "infer workers, of each GPU")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--swap-every", arguments->swap_every,
                  "seconds between two loadings of the model while frames come; 0 = none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--preprocess-threads", arguments->preprocess_threads)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_flag("--json", arguments->json,
                "accepted for symmetry: the report is one JSON object in any case");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
