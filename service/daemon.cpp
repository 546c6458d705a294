#include "service/daemon.h"

#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iterator>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <zmq.hpp>

#include "engine/device/cores.h"
#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"
#include "engine/infer/views.h"
#include "engine/refine/cuda/solver.h"
#include "engine/refine/explain/explain.h"
#include "engine/refine/input_check.h"
#include "engine/refine/retry/retry.h"
#include "service/http/api.h"
#include "service/http/server.h"
#include "service/ingest/protocols.h"
#include "service/publish/live_view.h"
#include "service/publish/protocols.h"

namespace flashphase::service {

namespace {

/// Runs `make` and puts the key in front of what it complains about. A lost device is nobody's key, nor is
/// memory that does not suffice.
template <class Make>
auto blaming(const std::string& key, Make make) {
  try {
    return make();
  } catch (const DeviceLost&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw ConfigError(key + error.what());
  }
}

/// What `make` gives, made on a thread that takes only the time that others leave.
template <class Make>
auto beside_others(Make make) {
  return std::async(std::launch::async,
                    [&] {
                      take_what_others_leave();
                      return make();
                    })
      .get();
}

std::vector<std::string> source_names(const Config& config) {
  std::vector<std::string> names;
  for (const auto& source : config.sources) names.push_back(source.name);
  return names;
}

/// Where the networks run. "none" is a stand-in that only the CPU has.
std::vector<Device> infer_devices(const Config& config) {
  return blaming("infer.device: ", [&]() -> std::vector<Device> {
    if (config.model != "none") return devices_for(config.infer_device, cuda_devices());
    if (config.infer_device.kind == DeviceChoice::Kind::cuda)
      throw std::runtime_error("the model none runs on the CPU; give cpu or auto, or a model file");
    return {std::nullopt};
  });
}

std::unique_ptr<Network> make_one(const Config& config, Device device, const NetworkFactory& make_network,
                                  std::optional<int> batch = {}) {
  NetworkOptions options = config.network;
  if (batch && device) options.warm_up_batches = {*batch};
  options.cuda_device = device;
  std::string key = "infer.model: ";
  return blaming(key, [&] {
    try {
      return make_network(config.model, options);
    } catch (const DeviceUnusable&) {
      key = "infer.device: ";
      throw;
    }
  });
}

std::vector<std::unique_ptr<Network>> make_workers(const Config& config, const NetworkFactory& make_network) {
  std::vector<std::unique_ptr<Network>> networks;
  for (const Device device : infer_devices(config))
    for (int i = 0; i < config.pipeline.infer_workers; ++i)
      networks.push_back(make_one(config, device, make_network));
  const ModelInfo& model = networks.front()->info();
  if (model.pattern_size != config.preprocess.pattern_size)
    throw ConfigError(fmt::format("preprocess.pattern_size: {} does not fit the model {}, which takes {}",
                                  config.preprocess.pattern_size, model.name, model.pattern_size));
  return networks;
}

std::unique_ptr<refine::Solver> cuda_solver(const Config& config, int device) {
  return refine::make_cuda_solver({.device = device,
                                   .pattern_size = config.preprocess.pattern_size,
                                   .starts_per_frame = config.pipeline.refine_starts});
}

/// Workers are not bound to cores: they have nice 10, and one that is bound would wait for a busy thread on
/// its own core while another core is idle.
int refine_workers_on_cpu(const Config& config) {
  int others = static_cast<int>(config.sources.size()) + config.pipeline.preprocess_threads + 1;  // publish
  for (const Device device : infer_devices(config))
    others += config.pipeline.infer_workers * (device ? 1 : config.network.threads);
  return workers_beside(others, config.pipeline.refine_workers, usable_cores());
}

/// Workers on the CPU share their cores: a frame of many starts uses those of workers that have nothing to
/// do.
std::vector<std::unique_ptr<refine::Solver>> make_solvers(const Config& config) {
  std::vector<std::unique_ptr<refine::Solver>> solvers;
  if (config.pipeline.refine_policy == RefinePolicy::off) return solvers;
  const auto devices =
      blaming("refine.device: ", [&] { return devices_for(config.refine_device, cuda_devices()); });
  for (const Device device : devices) {
    if (!device) {
      const int workers = refine_workers_on_cpu(config);
      std::ranges::move(refine::make_cpu_solvers(workers, {.cores = workers}), std::back_inserter(solvers));
      continue;
    }
    for (int i = 0; i < std::max(1, config.pipeline.refine_workers); ++i)
      solvers.push_back(blaming("refine.device: ", [&] { return cuda_solver(config, *device); }));
  }
  for (const auto& solver : solvers)
    blaming("refine.schedule: ", [&] { refine::check_steps(*solver, config.schedule); });
  for (auto& solver : solvers)
    solver = refine::make_explaining_solver(refine::make_retrying_solver(std::move(solver)),
                                            {.iterations = config.pipeline.refine_budget});
  return solvers;
}

/// What networks have to know of refinement.
struct Refining {
  std::size_t workers = 0;
  int batch = 1;  ///< most frames at once
};

Refining refining_of(const Config& config, const std::vector<std::unique_ptr<refine::Solver>>& solvers) {
  if (solvers.empty()) return {};
  const int asked = static_cast<int>(config.pipeline.refine_batch);
  return {solvers.size(), asked > 0 ? asked : solvers.front()->preferred_batch()};
}

/// Apart from the networks of the infer workers, so that refinement never holds up the frames to come.
std::vector<std::unique_ptr<Network>> make_viewers(const Config& config, const ModelInfo& model,
                                                   const Refining& refining,
                                                   const NetworkFactory& make_network) {
  std::vector<std::unique_ptr<Network>> viewers;
  if (infer::views_of(model, config.pipeline.refine_starts) == 1) return viewers;
  const auto devices = infer_devices(config);
  while (viewers.size() < refining.workers)
    viewers.push_back(
        make_one(config, devices[viewers.size() % devices.size()], make_network, refining.batch));
  return viewers;
}

Networks make_networks(const Config& config, const Refining& refining, const NetworkFactory& make_network) {
  Networks networks{make_workers(config, make_network)};
  networks.viewers = make_viewers(config, networks.workers.front()->info(), refining, make_network);
  return networks;
}

}  // namespace

Stages make_stages(const Config& config, const NetworkFactory& make_network) {
  const auto calibration =
      blaming("preprocess.calibration: ", [&] { return preprocess::load_calibration(config.calibration); });
  auto solvers = make_solvers(config);
  auto networks = make_networks(config, refining_of(config, solvers), make_network);
  return Stages{.sources = {},
                .prepare = std::make_unique<Preparation>(
                    select::HitFinder(config.select),
                    blaming("", [&] { return preprocess::Preprocessor(config.preprocess, calibration); })),
                .networks = std::move(networks),
                .solvers = std::move(solvers),
                .schedule = config.schedule,
                .sinks = {}};
}

struct Daemon::Impl {
  const Config config;
  const NetworkFactory make_network;
  std::shared_ptr<spdlog::logger> logger;
  // Of frames and of results, so that many who watch do not slow what comes in.
  zmq::context_t zmq_in, zmq_out;
  prometheus::Registry registry;
  Metrics metrics;
  std::vector<std::string> source_endpoints;
  std::vector<std::shared_ptr<publish::Sink>> sinks;
  std::shared_ptr<publish::LiveView> live_view = std::make_shared<publish::LiveView>();
  std::unique_ptr<Pipeline> pipeline;
  Refining refining;
  std::mutex model_mutex;  // one change at a time
  std::unique_ptr<http::Api> api;
  std::unique_ptr<http::Server> server;

  Impl(const Config& given, const NetworkFactory& factory, std::shared_ptr<spdlog::logger> log)
      : config(given),
        make_network(factory),
        logger(std::move(log)),
        zmq_in(config.io_threads),
        zmq_out(config.io_threads),
        metrics(registry, source_names(config)) {
    open_sinks();
    Stages stages = make_stages(config, make_network);
    refining = refining_of(config, stages.solvers);
    tell_model("model", *stages.networks.workers.front());
    if (const std::size_t asked = static_cast<std::size_t>(config.pipeline.refine_workers);
        refining.workers > 0 && asked > refining.workers)
      logger->warn("event=fewer_refine_workers asked={} started={} reason={}", asked, refining.workers,
                   quoted("refine.workers is more than the cores that this process may use"));
    stages.sources = open_sources();  // after the model is warm, so that no frame grows old meanwhile
    stages.sinks = sinks;
    stages.sinks.push_back(live_view);
    pipeline = std::make_unique<Pipeline>(config.pipeline, std::move(stages), metrics, logger);
    api = std::make_unique<http::Api>(
        http::Api::Watched{*pipeline, metrics, *live_view, registry, config.hash,
                           [this](const std::string& path) { replace_model(path); }});
    server = blaming("http.", [&] {
      return std::make_unique<http::Server>(config.http.address, config.http.port,
                                            [this](const http::Request& request) { return (*api)(request); });
    });
    logger->info("event=http address={} port={}", config.http.address, server->port());
  }

  void tell_model(const char* event, const Network& network) {
    const ModelInfo& model = network.info();
    metrics.set_model(model, network.precision());
    logger->info("event={} name={} hash={} device={} precision={} pattern_size={} object_size={}", event,
                 quoted(model.name), model.hash.empty() ? "none" : model.hash,
                 device_names(infer_devices(config)), network.precision(), model.pattern_size,
                 model.object_size);
  }

  void replace_model(const std::string& path) {
    const std::lock_guard lock(model_mutex);
    try {
      Config changed = config;
      changed.model = path;
      if (path != "none" && !std::filesystem::path(path).is_absolute())
        throw ConfigError("infer.model: \"" + path + "\" is not an absolute path, nor none");
      pipeline->replace_model(beside_others([&] { return make_networks(changed, refining, make_network); }));
    } catch (const std::bad_alloc&) {
      refuse_model(path, "the memory does not suffice for another model beside the running one");
    } catch (const std::exception& error) {
      refuse_model(path, error.what());
    }
    tell_model("model_replaced", *pipeline->model()->networks.workers.front());
  }

  [[noreturn]] void refuse_model(const std::string& path, const std::string& why) {
    logger->warn("event=model_refused model={} reason={}", quoted(path), quoted(why));
    throw std::runtime_error(why + "; the running model goes on");
  }

  void open_sinks() {
    const publish::SinkContext shared{zmq_out, [this](int change) {
                                        metrics.subscriptions_changed(change);
                                        logger->info("event={} subscriptions={}",
                                                     change > 0 ? "subscribed" : "unsubscribed",
                                                     metrics.subscriptions());
                                      }};
    for (const auto& wanted : config.sinks) {
      const std::string key = sinks.empty() ? "publish." : fmt::format("sink[{}].", sinks.size() - 1);
      const auto& sink = sinks.emplace_back(blaming(key, [&] { return publish::open_sink(shared, wanted); }));
      logger->info("event=publish name={} protocol={} endpoint={}", quoted(sink->name()), wanted.protocol,
                   sink->endpoint());
    }
  }

  std::vector<std::unique_ptr<ingest::Source>> open_sources() {
    std::vector<std::unique_ptr<ingest::Source>> sources;
    for (const auto& wanted : config.sources) {
      const auto& source = sources.emplace_back(blaming(fmt::format("source[{}].", sources.size()),
                                                        [&] { return ingest::open_source(zmq_in, wanted); }));
      source_endpoints.push_back(source->endpoint());
      logger->info("event=source name={} protocol={} endpoint={} mode={}", quoted(source->name()),
                   wanted.protocol, source->endpoint(), source->waits() ? "replay" : "live");
    }
    return sources;
  }
};

Daemon::Daemon(const Config& config, const NetworkFactory& make_network,
               std::shared_ptr<spdlog::logger> logger)
    : impl_(std::make_unique<Impl>(config, make_network, std::move(logger))) {}

Daemon::~Daemon() = default;

void Daemon::start() {
  impl_->pipeline->start();
  impl_->logger->info("event=ready");
}

void Daemon::stop() {
  impl_->logger->info("event=draining");
  impl_->pipeline->stop();
  const Accounts accounts = impl_->metrics.accounts();
  const auto latency = impl_->metrics.latency();
  impl_->logger->info(
      "event={} received={} published={} rejected={} dropped={} refined={} accounted={} "
      "latency_p50_ms={:.3g} "
      "latency_p99_ms={:.3g}",
      state_name(state()), accounts.received, accounts.published, accounts.rejected_total(),
      accounts.dropped_total(), accounts.refined, accounts.accounted(), 1e3 * latency.p50, 1e3 * latency.p99);
}

State Daemon::state() const {
  return impl_->pipeline->state();
}
std::optional<Pipeline::Failure> Daemon::failure() const {
  return impl_->pipeline->failure();
}
Accounts Daemon::accounts() const {
  return impl_->metrics.accounts();
}
std::string Daemon::status() const {
  return impl_->api->status();
}
std::uint16_t Daemon::http_port() const {
  return impl_->server->port();
}
bool Daemon::exhausted() const {
  return impl_->pipeline->exhausted();
}
void Daemon::replace_model(const std::string& path) {
  impl_->replace_model(path);
}
std::string Daemon::publish_endpoint() const {
  return impl_->sinks.front()->endpoint();
}
std::vector<std::string> Daemon::source_endpoints() const {
  return impl_->source_endpoints;
}

int exit_code(const Daemon& daemon) {
  if (const auto failure = daemon.failure()) return failure->device_lost ? 3 : 1;
  return daemon.accounts().accounted() ? 0 : 1;
}

}  // namespace flashphase::service
