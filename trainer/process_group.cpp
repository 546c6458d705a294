#include "trainer/process_group.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <cstdint>

namespace flashphase::trainer {

void average(ProcessGroup& group, int count, const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const auto& tensor : tensors) flat.push_back(tensor.detach().reshape({-1}));
  at::Tensor all = at::cat(flat);
  group.sum(all);
  all /= count;
  std::int64_t at = 0;
  for (const auto& tensor : tensors) {
    tensor.detach().copy_(all.narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
}

}  // namespace flashphase::trainer
