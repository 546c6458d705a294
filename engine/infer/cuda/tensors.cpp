#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "engine/infer/cuda/launch.h"
#include "engine/infer/modules/module_tensors.h"

namespace flashphase::infer {

torch::Tensor project_on_device(const torch::Tensor& object, const torch::Tensor& modulus,
                                const torch::Tensor& measured) {
  const auto m = static_cast<int>(modulus.size(1));
  if (!cuda::has_projection(m)) return project_on_tensors(object, modulus, measured);
  const torch::Tensor from = object.contiguous();
  const torch::Tensor projected = torch::empty_like(from);
  const cuda::ProjectionBatch batch{from.data_ptr<float>(), modulus.data_ptr<float>(),
                                    measured.data_ptr<std::uint8_t>(), projected.data_ptr<float>()};
  C10_CUDA_CHECK(
      cuda::launch_projection(m, batch, static_cast<int>(from.size(0)), c10::cuda::getCurrentCUDAStream()));
  return projected;
}

}  // namespace flashphase::infer
