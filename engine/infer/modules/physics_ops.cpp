#include <torch/csrc/autograd/custom_function.h>

#include <map>
#include <memory>
#include <utility>

#include "engine/infer/modules/flash_module.h"
#include "engine/infer/modules/module_tensors.h"
#include "engine/infer/modulus_projection.h"

namespace flashphase::infer {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// The projection of this thread for these sizes: it owns scratch memory, so threads cannot share one.
ModulusProjection& projection_of_thread(int m, int n) {
  thread_local std::map<std::pair<int, int>, std::unique_ptr<ModulusProjection>> projections;
  auto& projection = projections[{m, n}];
  if (!projection) projection = std::make_unique<ModulusProjection>(m, n);
  return *projection;
}

/// Calls body(projection, index) for every item of the batch, on torch's threads.
template <class Body>
void for_each_item(std::int64_t batch, std::int64_t m, std::int64_t n, const Body& body) {
  at::parallel_for(0, batch, 8, [&](std::int64_t begin, std::int64_t end) {
    auto& projection = projection_of_thread(static_cast<int>(m), static_cast<int>(n));
    for (std::int64_t i = begin; i < end; ++i) body(projection, i);
  });
}

/// The two planes of item `index` of a contiguous [B, 2, n, n] tensor.
std::pair<float*, float*> planes(const Tensor& tensor, std::int64_t index) {
  const std::int64_t plane = tensor.size(2) * tensor.size(3);
  float* first = tensor.data_ptr<float>() + index * 2 * plane;
  return {first, first + plane};
}

/// Projects each item; keeps the spectra in `field` [B, 2, m, m] when it is given.
Tensor project(const Tensor& object, const Tensor& modulus, const Tensor& measured, const Tensor* field) {
  const Tensor out = torch::empty_like(object);
  const std::int64_t cells = modulus.size(1) * modulus.size(2);
  for_each_item(
      object.size(0), modulus.size(1), object.size(2), [&](ModulusProjection& projection, std::int64_t i) {
        const auto [re, im] = planes(object, i);
        const auto [out_re, out_im] = planes(out, i);
        const auto [field_re, field_im] = field ? planes(*field, i) : std::pair<float*, float*>{};
        projection.project(re, im, modulus.data_ptr<float>() + i * cells,
                           measured.data_ptr<std::uint8_t>() + i * cells, out_re, out_im, field_re, field_im);
      });
  return out;
}

/// Room for the spectra of a batch.
Tensor field_like(const Tensor& modulus) {
  return torch::empty({modulus.size(0), 2, modulus.size(1), modulus.size(2)}, modulus.options());
}

struct ProjectModulus : torch::autograd::Function<ProjectModulus> {
  static Tensor forward(AutogradContext* context, const Tensor& object, const Tensor& modulus,
                        const Tensor& measured) {
    const Tensor field = field_like(modulus);
    const Tensor out = project(object.contiguous(), modulus, measured, &field);
    context->save_for_backward({modulus, measured, field});
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &modulus = saved[0], &measured = saved[1], &field = saved[2];
    const Tensor gradient = gradients[0].contiguous();
    const Tensor out = torch::empty_like(gradient);
    const std::int64_t cells = modulus.size(1) * modulus.size(2);
    for_each_item(gradient.size(0), modulus.size(1), gradient.size(2),
                  [&](ModulusProjection& projection, std::int64_t i) {
                    const auto [re, im] = planes(gradient, i);
                    const auto [out_re, out_im] = planes(out, i);
                    const auto [field_re, field_im] = planes(field, i);
                    projection.project_backward(re, im, modulus.data_ptr<float>() + i * cells,
                                                measured.data_ptr<std::uint8_t>() + i * cells, field_re,
                                                field_im, out_re, out_im);
                  });
    return {out, Tensor(), Tensor()};
  }
};

struct ModulusChi2 : torch::autograd::Function<ModulusChi2> {
  static Tensor forward(AutogradContext* context, const Tensor& object_in, const Tensor& modulus) {
    const Tensor object = object_in.contiguous();
    const Tensor field = field_like(modulus);
    const Tensor out = torch::empty({object.size(0)}, modulus.options());
    const std::int64_t cells = modulus.size(1) * modulus.size(2);
    for_each_item(object.size(0), modulus.size(1), object.size(2),
                  [&](ModulusProjection& projection, std::int64_t i) {
                    const auto [re, im] = planes(object, i);
                    const auto [field_re, field_im] = planes(field, i);
                    out.data_ptr<float>()[i] =
                        projection.chi2(re, im, modulus.data_ptr<float>() + i * cells, field_re, field_im);
                  });
    context->save_for_backward({modulus, field});
    context->saved_data["n"] = object.size(2);
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& modulus = saved[0];
    const Tensor field = saved[1].clone();
    const Tensor gradient = gradients[0].contiguous();
    const std::int64_t n = context->saved_data["n"].toInt(), cells = modulus.size(1) * modulus.size(2);
    const Tensor out = torch::empty({gradient.size(0), 2, n, n}, modulus.options());
    for_each_item(gradient.size(0), modulus.size(1), n, [&](ModulusProjection& projection, std::int64_t i) {
      const auto [field_re, field_im] = planes(field, i);
      const auto [out_re, out_im] = planes(out, i);
      projection.chi2_backward(gradient.data_ptr<float>()[i], modulus.data_ptr<float>() + i * cells, field_re,
                               field_im, out_re, out_im);
    });
    return {out, Tensor()};
  }
};

}  // namespace

Tensor project_modulus(const Tensor& object, const Tensor& modulus, const Tensor& measured) {
  if (!object.is_cpu())
    return torch::GradMode::is_enabled() ? project_on_tensors(object, modulus, measured)
                                         : project_on_device(object, modulus, measured);
  if (!torch::GradMode::is_enabled()) return project(object.contiguous(), modulus, measured, nullptr);
  return ProjectModulus::apply(object, modulus, measured);
}

Tensor modulus_chi2(const Tensor& object, const Tensor& modulus) {
  return object.is_cpu() ? ModulusChi2::apply(object, modulus) : chi2_on_tensors(object, modulus);
}

}  // namespace flashphase::infer
