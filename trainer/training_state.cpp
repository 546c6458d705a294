#include "trainer/training_state.h"

#include <torch/serialize.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "engine/dataset/output.h"

namespace flashphase::trainer {
namespace {

void copy(const std::vector<torch::Tensor>& from, std::vector<torch::Tensor>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from.at(i));
}

torch::Tensor number(double value) {
  return torch::full({}, value, torch::kDouble);
}

void write_all(torch::serialize::OutputArchive& archive, const std::string& name,
               const std::vector<torch::Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) archive.write(name + std::to_string(i), tensors[i]);
}

void read_all(torch::serialize::InputArchive& archive, const std::string& name,
              std::vector<torch::Tensor>& tensors) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    torch::Tensor tensor;
    archive.read(name + std::to_string(i), tensor);
    tensors[i].copy_(tensor);
  }
}

}  // namespace

AveragedWeights::AveragedWeights(const infer::NetworkModule& module, double decay) : decay_(decay) {
  if (!(decay >= 0 && decay < 1)) throw std::invalid_argument("--ema must be at least 0 and below 1");
  for (const auto& item : module.state()) {
    weights.push_back(item.value().detach());
    if (decay > 0) averages.push_back(weights.back().clone());
  }
}

void AveragedWeights::add(std::uint64_t step) {
  const torch::NoGradGuard no_gradient;
  const auto t = static_cast<double>(step);
  const double decay = std::min(decay_, t / (t + 10));
  for (std::size_t i = 0; i < averages.size(); ++i) averages[i].lerp_(weights[i], 1 - decay);
}

void AveragedWeights::with_average(const std::function<void()>& use) {
  const torch::NoGradGuard no_gradient;
  std::vector<torch::Tensor> kept;
  if (!averages.empty())
    for (const auto& tensor : weights) kept.push_back(tensor.clone());
  if (!averages.empty()) copy(averages, weights);
  use();
  if (!averages.empty()) copy(kept, weights);
}

void write_state(const std::string& path, const torch::optim::Optimizer& optimizer,
                 const AveragedWeights& weights, const Standing& standing) {
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  archive.write("step", torch::tensor(static_cast<std::int64_t>(standing.step)));
  archive.write("seconds", number(standing.seconds));
  archive.write("sums", standing.sums);
  archive.write("summed", torch::tensor(static_cast<std::int64_t>(standing.summed)));
  write_all(archive, "weight", weights.weights);
  archive.write("averaged", torch::tensor(!weights.averages.empty()));
  write_all(archive, "average", weights.averages);
  std::ostringstream bytes;
  archive.save_to(bytes);
  write_whole(path, bytes.view());
}

Standing read_state(const std::string& path, torch::optim::Optimizer& optimizer, AveragedWeights& weights,
                    torch::Device device) {
  Standing standing;
  const torch::NoGradGuard no_gradient;
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path, device);
    optimizer.load(archive);
    torch::Tensor step, seconds, summed, averaged;
    archive.read("step", step);
    archive.read("seconds", seconds);
    archive.read("sums", standing.sums);
    archive.read("summed", summed);
    archive.read("averaged", averaged);
    read_all(archive, "weight", weights.weights);
    if (averaged.item<bool>())
      read_all(archive, "average", weights.averages);
    else
      copy(weights.weights, weights.averages);
    standing.step = static_cast<std::uint64_t>(step.item<std::int64_t>());
    standing.seconds = seconds.item<double>();
    standing.summed = static_cast<std::uint64_t>(summed.item<std::int64_t>());
  } catch (const c10::Error&) {
    throw std::runtime_error(path + " is missing or damaged; without it training cannot resume");
  }
  return standing;
}

}  // namespace flashphase::trainer
