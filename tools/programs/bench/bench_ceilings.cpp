#include <iostream>
#include <memory>

#include "engine/device/cuda_devices.h"
#include "proto/json.h"
#include "tools/programs/bench/commands.h"
#include "tools/programs/bench/cuda_ceilings.h"
#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

struct Arguments {
  int device = 0;
  bool json = false;
};

int run(const Arguments& arguments) {
  const CudaDevice found = require_cuda_device(arguments.device);
  const CudaCeilings ceilings = measure_cuda_ceilings(arguments.device);
  JsonObject report;
  report.add("backend", "cuda").add("device", found.name).add("memory_bytes", found.memory);
  report.add("compute_capability", std::to_string(found.major) + "." + std::to_string(found.minor))
      .add("multiprocessors", found.multiprocessors)
      .add("cuda_runtime", ceilings.cuda_runtime)
      .add("cuda_driver", ceilings.cuda_driver)
      .add("copy_bytes_per_second", ceilings.copy_bytes)
      .add("host_copy_bytes_per_second", ceilings.host_copy_bytes)
      .add("matrix_flops", ceilings.matrix_flops)
      .add("fp32_flops", ceilings.fp32_flops)
      .add("shared_memory_bytes_per_second", ceilings.shared_memory_bytes)
      .add("launch_seconds", ceilings.launch_seconds);
  std::cout << report.text() << '\n';
  return kDone;
}

}  // namespace

Command add_bench_ceilings(CLI::App& parent) {
  CLI::App* app =
      parent.add_subcommand("ceilings", "what a GPU reaches at copying, matrix products and arithmetic");
  auto arguments = std::make_shared<Arguments>();
  app->add_option("--device", arguments->device, "number of the GPU")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_flag("--json", arguments->json,
                "accepted for symmetry: the report is one JSON object in any case");
  return [arguments] { return run(*arguments); };
}

}  // namespace flashphase::tools
