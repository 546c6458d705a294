#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "engine/infer/checkpoint.h"
#include "engine/infer/network.h"
#include "tests/temporary_folder.h"

namespace flashphase::testing_support {

/// A way to run a network that has to give what the CPU gives in float32.
struct NetworkBackend {
  std::string name;
  /// Largest sum |a - b|^2 / sum |b|^2 of a batch of objects, for untrained weights, which amplify rounding.
  double tolerance = 0;
  std::function<std::unique_ptr<Network>(const std::string& model, int largest_batch)> make;
  std::string network = "flash";
  std::string missing{};  ///< why it cannot be tested here; empty when it can, and then it has to come up

  friend std::ostream& operator<<(std::ostream& out, const NetworkBackend& backend) {
    return out << backend.network << ' ' << backend.name;
  }
};

/// The suite is in network_conformance.cpp; a program instantiates it with its backends.
class NetworkConformance : public testing::TestWithParam<NetworkBackend> {
 protected:
  NetworkConformance();
  /// Skips the test where the backend's device is not there.
  void SetUp() override;

  std::unique_ptr<Network> network(int largest_batch) const { return GetParam().make(path_, largest_batch); }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "model.fpm";
  std::unique_ptr<Network> reference_;
};

inline std::string name_of(const testing::TestParamInfo<NetworkBackend>& info) {
  return info.param.network + "_" + info.param.name;
}

}  // namespace flashphase::testing_support
