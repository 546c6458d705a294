#include "engine/infer/network.h"

#include "engine/infer/checkpoint.h"
#include "engine/infer/cpu/network.h"
#include "engine/infer/cuda/network.h"
#include "engine/infer/none_network.h"

namespace flashphase {

std::unique_ptr<Network> make_network(const std::string& model, const NetworkOptions& options) {
  if (model == "none") return infer::make_none_network(ModelInfo{}.pattern_size);
  return network_from(infer::read_checkpoint(model), options);
}

std::unique_ptr<Network> network_from(const infer::Checkpoint& checkpoint, const NetworkOptions& options) {
  return options.cuda_device ? infer::make_cuda_network(checkpoint, options)
                             : infer::make_cpu_network(checkpoint, options);
}

}  // namespace flashphase
