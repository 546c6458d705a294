#include "service/daemon.h"

#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>
#include <zmq.hpp>

#include "engine/device/cores.h"
#include "engine/device/cuda_devices.h"
#include "engine/device/device_lost.h"
#include "engine/infer/views.h"
#include "engine/refine/cuda/solver.h"
#include "service/http/api.h"
#include "service/http/server.h"
#include "service/ingest/native_source.h"
#include "service/publish/live_view.h"
#include "service/publish/zmq_publisher.h"

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

std::unique_ptr<Network> make_one(const Config& config, Device device, const NetworkFactory& make_network) {
  NetworkOptions options = config.network;
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

std::vector<std::unique_ptr<Network>> make_networks(const Config& config,
                                                    const NetworkFactory& make_network) {
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

std::vector<std::unique_ptr<refine::Solver>> make_solvers(const Config& config) {
  std::vector<std::unique_ptr<refine::Solver>> solvers;
  if (config.pipeline.refine_policy == RefinePolicy::off) return solvers;
  const auto devices =
      blaming("refine.device: ", [&] { return devices_for(config.refine_device, cuda_devices()); });
  for (const Device device : devices) {
    const int workers = device ? std::max(1, config.pipeline.refine_workers) : refine_workers_on_cpu(config);
    for (int i = 0; i < workers; ++i)
      solvers.push_back(device ? blaming("refine.device: ", [&] { return cuda_solver(config, *device); })
                               : refine::make_cpu_solver());
  }
  return solvers;
}

/// Apart from the networks of the infer workers, so that refinement never holds up the frames to come.
std::vector<std::unique_ptr<Network>> make_viewers(const Config& config, const ModelInfo& model,
                                                   std::size_t workers, const NetworkFactory& make_network) {
  std::vector<std::unique_ptr<Network>> viewers;
  if (infer::views_of(model, config.pipeline.refine_starts) == 1) return viewers;
  const auto devices = infer_devices(config);
  while (viewers.size() < workers)
    viewers.push_back(make_one(config, devices[viewers.size() % devices.size()], make_network));
  return viewers;
}

}  // namespace

Stages make_stages(const Config& config, const NetworkFactory& make_network) {
  const auto calibration =
      blaming("preprocess.calibration: ", [&] { return preprocess::load_calibration(config.calibration); });
  Stages stages{.sources = {},
                .prepare = std::make_unique<Preparation>(
                    select::HitFinder(config.select),
                    blaming("", [&] { return preprocess::Preprocessor(config.preprocess, calibration); })),
                .networks = make_networks(config, make_network),
                .solvers = make_solvers(config),
                .schedule = config.schedule,
                .sinks = {}};
  stages.viewers = make_viewers(config, stages.networks.front()->info(), stages.solvers.size(), make_network);
  return stages;
}

struct Daemon::Impl {
  std::shared_ptr<spdlog::logger> logger;
  zmq::context_t context{1};
  prometheus::Registry registry;
  Metrics metrics;
  std::vector<std::string> source_endpoints;
  std::shared_ptr<publish::ZmqPublisher> publisher;
  std::shared_ptr<publish::LiveView> live_view = std::make_shared<publish::LiveView>();
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<http::Api> api;
  std::unique_ptr<http::Server> server;

  Impl(const Config& config, const NetworkFactory& make_network, std::shared_ptr<spdlog::logger> given)
      : logger(std::move(given)), metrics(registry, source_names(config)) {
    open_publisher(config);
    Stages stages = make_stages(config, make_network);
    const ModelInfo model = stages.networks.front()->info();
    const std::string precision = stages.networks.front()->precision();
    const std::string device = device_names(infer_devices(config));
    metrics.set_model(model, precision);
    logger->info("event=model name={} hash={} device={} precision={} pattern_size={} object_size={}",
                 quoted(model.name), model.hash.empty() ? "none" : model.hash, device, precision,
                 model.pattern_size, model.object_size);
    if (const std::size_t asked = static_cast<std::size_t>(config.pipeline.refine_workers),
        got = stages.solvers.size();
        got > 0 && asked > got)
      logger->warn("event=fewer_refine_workers asked={} started={} reason={}", asked, got,
                   quoted("refine.workers is more than the cores that this process may use"));
    stages.sources = open_sources(config);  // after the model is warm, so that no frame grows old meanwhile
    stages.sinks = {publisher, live_view};
    pipeline = std::make_unique<Pipeline>(config.pipeline, std::move(stages), metrics, logger);
    api = std::make_unique<http::Api>(
        http::Api::Watched{*pipeline, metrics, *live_view, registry, model, precision, config.hash});
    server = blaming("http.", [&] {
      return std::make_unique<http::Server>(config.http.address, config.http.port,
                                            [this](std::string_view target) { return (*api)(target); });
    });
    logger->info("event=http address={} port={}", config.http.address, server->port());
  }

  void open_publisher(const Config& config) {
    publisher =
        blaming("publish.", [&] { return std::make_shared<publish::ZmqPublisher>(context, config.publish); });
    publisher->on_subscription([this](int change) {
      metrics.subscriptions_changed(change);
      logger->info("event={} subscriptions={}", change > 0 ? "subscribed" : "unsubscribed",
                   metrics.subscriptions());
    });
    logger->info("event=publish endpoint={}", publisher->endpoint());
  }

  std::vector<std::unique_ptr<ingest::Source>> open_sources(const Config& config) {
    std::vector<std::unique_ptr<ingest::Source>> sources;
    for (const auto& wanted : config.sources) {
      auto source = blaming(fmt::format("source[{}].", sources.size()),
                            [&] { return std::make_unique<ingest::NativeSource>(context, wanted); });
      source_endpoints.push_back(source->endpoint());
      logger->info("event=source name={} endpoint={} socket={} bind={}", quoted(wanted.name),
                   source->endpoint(), wanted.pull ? "pull" : "sub", wanted.bind);
      sources.push_back(std::move(source));
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
std::string Daemon::publish_endpoint() const {
  return impl_->publisher->endpoint();
}
std::vector<std::string> Daemon::source_endpoints() const {
  return impl_->source_endpoints;
}

int exit_code(const Daemon& daemon) {
  if (const auto failure = daemon.failure()) return failure->device_lost ? 3 : 1;
  return daemon.accounts().accounted() ? 0 : 1;
}

}  // namespace flashphase::service
