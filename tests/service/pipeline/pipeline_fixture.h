#pragma once

#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <vector>

#include "service/pipeline/pipeline.h"
#include "tests/service/doubles.h"

namespace flashphase::testing_support {

inline std::size_t count(const service::Accounts& accounts, Stage stage, service::DropReason reason) {
  return accounts.dropped[static_cast<std::size_t>(stage)][static_cast<std::size_t>(reason)];
}
inline std::size_t count(const service::Accounts& accounts, Rejection reason) {
  return accounts.rejected[static_cast<std::size_t>(reason)];
}
inline std::size_t count(const service::Accounts& accounts, service::RefineLoss reason) {
  return accounts.refine_dropped[static_cast<std::size_t>(reason)];
}

/// Runs `before` at each frame.
class FakePreparation : public service::Preparation {
 public:
  FakePreparation(const service::Preparation& real, std::function<void(const Frame&)> before)
      : Preparation(real), before_(std::move(before)) {}
  Result<service::Prepared> operator()(const Frame& frame, Clock::time_point taken) const override {
    before_(frame);
    return Preparation::operator()(frame, taken);
  }

 private:
  std::function<void(const Frame&)> before_;
};

/// A pipeline between doubles. Change `config`, `stages` and the rest, then build().
class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    auto owned = std::make_unique<FakeSource>();
    source = owned.get();
    stages.sources.push_back(std::move(owned));
    stages.sinks.push_back(sink);
    config.batch_size = 4;
  }

  void build() {
    if (stages.networks.workers.empty()) stages.networks.workers.push_back(std::make_unique<FakeNetwork>());
    pipeline = std::make_unique<service::Pipeline>(config, std::move(stages), metrics, logger);
    pipeline->start();
  }

  void feed(std::uint64_t frames, std::uint64_t first = 0) {
    for (std::uint64_t i = first; i < first + frames; ++i) source->add(some_frame(i));
  }

  /// Until the pipeline has taken all that was fed; then drains it.
  service::Accounts drain() {
    source->wait_until_taken();
    pipeline->stop();
    return metrics.accounts();
  }

  service::Accounts wait_for_failure() {
    while (pipeline->state() != service::State::failed) std::this_thread::yield();
    pipeline->stop();
    return metrics.accounts();
  }

  std::string metric_text() const { return prometheus::TextSerializer().Serialize(registry.Collect()); }

  static preprocess::Config small_patterns() {
    preprocess::Config config;
    config.pattern_size = kPatternSize;
    return config;
  }

  prometheus::Registry registry;
  service::Metrics metrics{registry, {"fake"}};
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>());
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::shared_ptr<const Calibration> calibration = std::make_shared<Calibration>();
  service::PipelineConfig config;
  service::Stages stages{.sources = {},
                         .prepare = std::make_unique<service::Preparation>(
                             select::HitFinder({}), preprocess::Preprocessor(small_patterns(), calibration)),
                         .networks = {},
                         .solvers = {},
                         .schedule = {},
                         .sinks = {}};
  FakeSource* source = nullptr;
  std::unique_ptr<service::Pipeline> pipeline;
};

}  // namespace flashphase::testing_support
