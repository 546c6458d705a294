#include "engine/infer/modules/module_tensors.h"

#include <torch/csrc/autograd/custom_function.h>

#include "engine/infer/features.h"
#include "engine/infer/modulus_projection.h"

namespace flashphase::infer {
namespace {

using torch::Tensor;

constexpr double kTiny = ModulusProjection::kTiny;

/// Zero of Q, or of space, from the middle to the corner and back: edges are even.
Tensor half_turn(const Tensor& x) {
  return x.roll({x.size(-2) / 2, x.size(-1) / 2}, {-2, -1});
}

/// F of objects [B, 2, n, n] in the layout of fft::Fft2: [B, m, m], transposed, zero of Q first.
Tensor spectrum_of(const Tensor& object, std::int64_t m) {
  const std::int64_t n = object.size(2), margin = (m - n) / 2;
  const Tensor planes =
      torch::constant_pad_nd(object.transpose(2, 3), {margin, m - n - margin, margin, m - n - margin});
  return torch::fft_fft2(half_turn(torch::complex(planes.select(1, 0), planes.select(1, 1))));
}

/// The object [B, 2, n, n] whose spectrum_of() is nearest to the spectrum [B, m, m].
Tensor object_from(const Tensor& spectrum, std::int64_t n) {
  const std::int64_t margin = (spectrum.size(1) - n) / 2;
  const Tensor crop = half_turn(torch::fft_ifft2(spectrum))
                          .slice(1, margin, margin + n)
                          .slice(2, margin, margin + n)
                          .transpose(1, 2);
  return torch::stack({torch::real(crop), torch::imag(crop)}, 1);
}

/// 1 / |F|, finite.
Tensor inverse_of(const Tensor& spectrum) {
  return (torch::real(spectrum).square() + torch::imag(spectrum).square() + kTiny).rsqrt();
}

Tensor project(const Tensor& object, const Tensor& spectrum, const Tensor& modulus, const Tensor& measured) {
  const Tensor gain = modulus * inverse_of(spectrum);
  return object_from(spectrum * gain.where(measured.ne(0), torch::ones_like(gain)), object.size(2));
}

struct ProjectOnTensors : torch::autograd::Function<ProjectOnTensors> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& object,
                        const Tensor& modulus, const Tensor& measured) {
    const Tensor spectrum = spectrum_of(object, modulus.size(1));
    context->save_for_backward({modulus, measured, spectrum});
    return project(object, spectrum, modulus, measured);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &modulus = saved[0], &measured = saved[1], &spectrum = saved[2];
    const Tensor gradient = spectrum_of(gradients[0], modulus.size(1)), inverse = inverse_of(spectrum);
    const Tensor u = torch::real(spectrum) * inverse, v = torch::imag(spectrum) * inverse;
    const Tensor across = (torch::imag(gradient) * u - torch::real(gradient) * v) *
                          (modulus * inverse).clamp_max(ModulusProjection::kMaxGain);
    const Tensor turned = torch::complex(-across * v, across * u);
    return {object_from(turned.where(measured.ne(0), gradient), gradients[0].size(2)), Tensor(), Tensor()};
  }
};

/// `value` where `condition`, else 0.
Tensor where_or_zero(const Tensor& condition, const Tensor& value) {
  return torch::where(condition, value, torch::zeros_like(value));
}

}  // namespace

TensorFeatures features_of(const Tensor& intensity, const Tensor& measured) {
  const double m = static_cast<double>(intensity.size(1)), n = m / 2;
  const Tensor seen = measured.ne(0);
  const Tensor value = where_or_zero(seen, intensity);
  const Tensor total = value.sum({1, 2}, true), brightest = value.amax({1, 2}, true);
  const Tensor lit = total.gt(0);
  const Tensor scale = where_or_zero(lit, total.rsqrt() * (m * n / 2));
  const Tensor root = (value * where_or_zero(lit, brightest.reciprocal())).sqrt();
  const Tensor autocorrelation =
      half_turn(torch::fft_ifft2(half_turn(value * where_or_zero(lit, total.reciprocal() * (m * m)))));
  const Tensor maps = torch::stack(
      {root, root.sqrt(), seen.to(torch::kFloat), torch::real(autocorrelation), torch::imag(autocorrelation)},
      1);
  TensorFeatures features;
  features.input.features = torch::pixel_unshuffle(maps, 2).contiguous(torch::MemoryFormat::ChannelsLast);
  features.input.modulus = (half_turn(value.sqrt()) * scale).transpose(1, 2).contiguous();
  features.input.measured = half_turn(measured).transpose(1, 2).contiguous();
  features.scale = scale.view({-1});
  return features;
}

Tensor project_on_tensors(const Tensor& object, const Tensor& modulus, const Tensor& measured) {
  if (torch::GradMode::is_enabled()) return ProjectOnTensors::apply(object, modulus, measured);
  return project(object, spectrum_of(object, modulus.size(1)), modulus, measured);
}

Tensor chi2_on_tensors(const Tensor& object, const Tensor& modulus) {
  const Tensor spectrum = spectrum_of(object, modulus.size(1));
  const Tensor r = (torch::real(spectrum).square() + torch::imag(spectrum).square() + kTiny).sqrt();
  const Tensor total = modulus.square().sum({1, 2}), one = torch::ones_like(total), lit = total.gt(0);
  return torch::where(lit, (r - modulus).square().sum({1, 2}) / torch::where(lit, total, one), one);
}

Tensor modulus_of(const Tensor& object, std::int64_t m) {
  return spectrum_of(object, m).abs();
}

Tensor residual_on_tensors(const Tensor& object, const ModuleInput& input) {
  // The largest part at 1 first, as ModulusScorer does, so that squares stay in range.
  const Tensor largest = object.abs().amax({1, 2, 3}, true);
  const Tensor seen = input.measured.ne(0);
  const Tensor a =
      where_or_zero(seen, modulus_of(where_or_zero(largest.gt(0), object / largest), input.modulus.size(1)));
  const Tensor& b = input.modulus;  // 0 where not measured
  const Tensor aa = a.square().sum({1, 2}, true), bb = b.square().sum({1, 2}, true);
  const Tensor chi2 = ((a * ((a * b).sum({1, 2}, true) / aa) - b).square().sum({1, 2}, true) / bb).view({-1});
  const Tensor sound = (aa.gt(0) & bb.gt(0)).view({-1}) & chi2.isfinite();
  return torch::where(sound, chi2, torch::ones_like(chi2));
}

void infer_blocks(NetworkModule& module, const BlockLayout& layout, int bucket, const Tensor& in,
                  const Tensor& out) {
  const std::int64_t m = layout.pattern_size, n = layout.object_size;
  const auto part = [](const Tensor& block, std::size_t from, std::size_t to) {
    return block.slice(0, static_cast<std::int64_t>(from), static_cast<std::int64_t>(to));
  };
  const Tensor intensity = part(in, 0, layout.measured_at(bucket)).view(torch::kFloat).view({bucket, m, m});
  const Tensor measured =
      part(in, layout.measured_at(bucket), layout.input_bytes(bucket)).view({bucket, m, m});
  const TensorFeatures features = features_of(intensity, measured);
  const Tensor answer = module.forward(features.input).back();

  const Tensor scale = features.scale.view({-1, 1, 1, 1});
  const Tensor object = answer * where_or_zero(scale.gt(0), scale.reciprocal());
  const Tensor energy = object.square().sum(1);
  const Tensor support = energy.gt(energy.amax({1, 2}, true) * (kSupportThreshold * kSupportThreshold));
  part(out, 0, layout.residual_at(bucket))
      .view(torch::kFloat)
      .view({bucket, n, n, 2})
      .copy_(object.permute({0, 2, 3, 1}));
  part(out, layout.residual_at(bucket), layout.support_at(bucket))
      .view(torch::kFloat)
      .copy_(residual_on_tensors(answer, features.input));
  part(out, layout.support_at(bucket), layout.output_bytes(bucket)).view({bucket, n, n}).copy_(support);
}

void to_inference(NetworkModule& module, torch::ScalarType type, torch::Device device) {
  torch::InferenceMode inference;
  module.eval();
  constexpr std::int64_t kMatrixUnit = 8;  // channels of two bytes
  if (device.is_cuda() && type != torch::kFloat && module.takes_padded_channels())
    pad_channels(module, kMatrixUnit);
  for (const auto& layer : module.modules(false)) {
    const bool norm = layer->as<torch::nn::BatchNorm2d>() != nullptr;
    for (Tensor& parameter : layer->parameters(false)) {
      const Tensor values = parameter.to(device, norm ? torch::kFloat : type);
      parameter.set_data(values.dim() == 4 ? values.contiguous(torch::MemoryFormat::ChannelsLast) : values);
    }
    for (Tensor& buffer : layer->buffers(false)) buffer.set_data(buffer.to(device));
  }
}

}  // namespace flashphase::infer
