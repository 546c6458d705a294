#include "tools/shared/faults.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace flashphase::tools {
namespace {

constexpr int kNoDtype = 99;

void fill(float value, WireFrame& frame, std::vector<std::byte>& storage) {
  storage.resize(frame.pixels.size());
  for (std::size_t at = 0; at + sizeof value <= storage.size(); at += sizeof value)
    std::memcpy(storage.data() + at, &value, sizeof value);
  frame.pixels = storage;
}

std::string known_names() {
  std::string names;
  for (const std::string_view name : kFaultNames) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

}  // namespace

void FaultPlan::add(std::string_view name_and_probability) {
  const std::string text(name_and_probability);
  const std::size_t equals = text.find('=');
  const auto name = std::find(kFaultNames.begin(), kFaultNames.end(), text.substr(0, equals));
  if (equals == std::string::npos || name == kFaultNames.end())
    throw std::invalid_argument("--fault is '" + text + "'; it must be NAME=P with NAME one of " +
                                known_names());
  char* end = nullptr;
  const float probability = std::strtof(text.c_str() + equals + 1, &end);
  if (*end != '\0' || equals + 1 == text.size() || !(probability >= 0 && probability <= 1))
    throw std::invalid_argument("--fault is '" + text + "'; the probability must be within 0 and 1");
  probability_[static_cast<std::size_t>(name - kFaultNames.begin())] = probability;
  if (std::accumulate(probability_.begin(), probability_.end(), 0.0f) > 1.0f + 1e-5f)
    throw std::invalid_argument(
        "the probabilities of all --fault add up to more than 1; a frame has at most one fault");
}

std::optional<Fault> FaultPlan::draw(simulate::Random& random) const {
  float left = random.uniform();
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    if (left < probability_[i]) return static_cast<Fault>(i);
    left -= probability_[i];
  }
  return std::nullopt;
}

void corrupt(Fault fault, WireFrame& frame, std::vector<std::byte>& storage) {
  switch (fault) {
    case Fault::truncated:
      frame.pixels = frame.pixels.first(frame.pixels.size() / 2);
      break;
    case Fault::oversized:
      storage.assign(frame.pixels.begin(), frame.pixels.end());
      storage.resize(2 * storage.size());
      frame.pixels = storage;
      break;
    case Fault::wrong_dtype:
      frame.dtype = kNoDtype;
      break;
    case Fault::wrong_shape:
      frame.rows /= 2;
      frame.pixels = frame.pixels.first(frame.pixels.size() / 2);
      break;
    case Fault::nan:
      fill(std::numeric_limits<float>::quiet_NaN(), frame, storage);
      break;
    case Fault::negative:
      fill(-1.0f, frame, storage);
      break;
    case Fault::all_zero:
      fill(0.0f, frame, storage);
      break;
    case Fault::garbage:
    case Fault::duplicate:
    case Fault::gap:
    case Fault::double_begin:
      break;
  }
}

}  // namespace flashphase::tools
