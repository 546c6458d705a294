#include "service/settings/devices.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace flashphase::service {

std::optional<DeviceChoice> parse_device(const std::string& text) {
  using Kind = DeviceChoice::Kind;
  constexpr std::string_view kCuda = "cuda:";
  if (text == "auto") return DeviceChoice{Kind::automatic, {}};
  if (text == "cpu") return DeviceChoice{Kind::cpu, {}};
  if (text == "cuda") return DeviceChoice{Kind::cuda, {}};
  if (!text.starts_with(kCuda)) return std::nullopt;
  DeviceChoice choice{Kind::cuda, {}};
  const char* const end = text.data() + text.size();
  for (const char* at = text.data() + kCuda.size();; ++at) {
    int index = -1;
    const auto [after, error] = std::from_chars(at, end, index);
    if (error != std::errc{} || index < 0 || std::ranges::count(choice.gpus, index) > 0) return std::nullopt;
    choice.gpus.push_back(index);
    at = after;
    if (at == end) return choice;
    if (*at != ',') return std::nullopt;
  }
}

std::vector<Device> devices_for(const DeviceChoice& choice, const CudaDevices& visible) {
  using Kind = DeviceChoice::Kind;
  std::vector<Device> devices;
  if (choice.kind == Kind::cuda) {
    if (visible.devices.empty()) throw std::runtime_error(visible.problem);
    for (const int index : choice.gpus) {
      if (static_cast<std::size_t>(index) >= visible.devices.size())
        throw std::runtime_error(fmt::format("there is no cuda:{}; visible are cuda:0 to cuda:{}", index,
                                             visible.devices.size() - 1));
      devices.emplace_back(index);
    }
  }
  if (choice.kind != Kind::cpu && choice.gpus.empty())
    for (const CudaDevice& device : visible.devices)
      if (choice.kind == Kind::cuda || problem_of(device, device.memory, 0).empty())
        devices.emplace_back(device.index);
  if (devices.empty()) devices.emplace_back(std::nullopt);
  return devices;
}

std::string device_names(const std::vector<Device>& devices) {
  std::string names;
  for (const Device device : devices)
    names += device ? fmt::format("{}{}", names.empty() ? "cuda:" : ",", *device) : "cpu";
  return names;
}

}  // namespace flashphase::service
