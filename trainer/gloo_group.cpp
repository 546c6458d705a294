#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "trainer/process_group.h"

namespace flashphase::trainer {
namespace {

constexpr auto kPatience = std::chrono::minutes(5);

class GlooGroup final : public ProcessGroup {
 public:
  explicit GlooGroup(const Place& place) {
    try {
      c10d::TCPStoreOptions options;
      options.port = static_cast<std::uint16_t>(place.port);
      options.isServer = place.rank == 0;
      options.numWorkers = place.count;
      options.timeout = kPatience;
      const auto store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
      auto gloo = c10d::ProcessGroupGloo::Options::create(kPatience);
      const char* const interface = std::getenv("GLOO_SOCKET_IFNAME");
      gloo->devices.push_back(interface != nullptr
                                  ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                  : c10d::ProcessGroupGloo::createDefaultDevice());
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.count, gloo);
    } catch (const std::exception& error) {
      throw std::runtime_error("the " + std::to_string(place.count) + " processes did not come together at " +
                               place.address + ":" + std::to_string(place.port) + ": " + first_line(error));
    }
  }

  void sum(at::Tensor& values) override {
    std::vector<at::Tensor> all{values};
    try {
      group_->allreduce(all)->wait();
    } catch (const std::exception& error) {
      throw std::runtime_error("another of the processes that train together is gone: " + first_line(error));
    }
  }

 private:
  static std::string first_line(const std::exception& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

}  // namespace

std::unique_ptr<ProcessGroup> join(const Place& place) {
  return std::make_unique<GlooGroup>(place);
}

}  // namespace flashphase::trainer
