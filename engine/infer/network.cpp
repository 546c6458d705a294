#include "engine/infer/network.h"

#include "engine/infer/cuda_network.h"
#include "engine/infer/flash_network.h"
#include "engine/infer/none_network.h"

namespace flashphase {

std::unique_ptr<Network> make_network(const std::string& model, const NetworkOptions& options) {
  if (model == "none") return infer::make_none_network(ModelInfo{}.pattern_size);
  if (options.cuda_device) return infer::make_cuda_network(model, options);
  return infer::make_flash_network(model, options);
}

}  // namespace flashphase
