#include "engine/infer/checkpoint.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "engine/dataset/output.h"

namespace flashphase::infer {
namespace {

static_assert(std::endian::native == std::endian::little, "the model file is written as it lies in memory");

constexpr std::string_view kMagic = "flashphase-model 1\n";
constexpr std::string_view kAnyVersion = "flashphase-model ";
constexpr std::size_t kHashBytes = 32;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw std::runtime_error("model file " + path + " " + what);
}

std::string sha256(std::string_view bytes) {
  std::string digest(kHashBytes, '\0');
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
                 EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available from this OpenSSL");
  return digest;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += two.data();
  }
  return text;
}

std::string metadata_of(const Checkpoint& checkpoint) {
  YAML::Node node;
  const ModelInfo& info = checkpoint.info;
  node["name"] = info.name;
  node["network"] = checkpoint.network;
  node["pattern_size"] = info.pattern_size;
  node["object_size"] = info.object_size;
  node["sizes"] = checkpoint.sizes;
  node["domain"]["photons_min"] = info.domain.photons_min;
  node["domain"]["photons_max"] = info.domain.photons_max;
  node["domain"]["unmeasured_max"] = info.domain.unmeasured_max;
  node["domain"]["centre_offset_max"] = info.domain.centre_offset_max;
  node["recipe"] = checkpoint.recipe;
  node["training"] = checkpoint.training;
  for (const auto& tensor : checkpoint.tensors) {
    YAML::Node entry;
    entry["name"] = tensor.name;
    entry["shape"] = tensor.shape;
    entry["shape"].SetStyle(YAML::EmitterStyle::Flow);
    node["tensors"].push_back(entry);
  }
  YAML::Emitter emitter;
  emitter << node;
  return std::string(emitter.c_str()) + "\n";
}

Checkpoint parse_metadata(const std::string& text) {
  const YAML::Node node = YAML::Load(text);
  Checkpoint checkpoint;
  ModelInfo& info = checkpoint.info;
  info.name = node["name"].as<std::string>();
  checkpoint.network = node["network"].as<std::string>();
  info.pattern_size = node["pattern_size"].as<int>();
  info.object_size = node["object_size"].as<int>();
  checkpoint.sizes = node["sizes"].as<std::map<std::string, int>>();
  const YAML::Node domain = node["domain"];
  info.domain.photons_min = domain["photons_min"].as<float>();
  info.domain.photons_max = domain["photons_max"].as<float>();
  info.domain.unmeasured_max = domain["unmeasured_max"].as<float>();
  info.domain.centre_offset_max = domain["centre_offset_max"].as<float>();
  checkpoint.recipe = node["recipe"].as<std::string>();
  checkpoint.training = node["training"].as<std::map<std::string, std::string>>();
  for (const auto& entry : node["tensors"])
    checkpoint.tensors.push_back(
        {entry["name"].as<std::string>(), entry["shape"].as<std::vector<std::int64_t>>(), {}});
  return checkpoint;
}

}  // namespace

std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const std::string metadata = metadata_of(checkpoint);
  std::string bytes(kMagic);
  const std::uint64_t length = metadata.size();
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += metadata;
  for (const auto& tensor : checkpoint.tensors)
    bytes.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
  const std::string digest = sha256(bytes);
  bytes += digest;

  write_whole(path, bytes);
  return hex(digest);
}

Checkpoint read_checkpoint(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be opened; give the path of a model made by flashphase-train");
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::string_view view(bytes);
  if (!view.starts_with(kAnyVersion)) fail(path, "is not a Flashphase model");
  if (!view.starts_with(kMagic)) fail(path, "is of a version this program does not read; it reads version 1");
  std::size_t at = kMagic.size();
  std::uint64_t length = 0;
  if (bytes.size() < at + sizeof length + kHashBytes) fail(path, "is cut short");
  if (sha256(view.substr(0, view.size() - kHashBytes)) != view.substr(view.size() - kHashBytes))
    fail(path, "is damaged: its SHA-256 does not match its content; copy it again");
  std::memcpy(&length, bytes.data() + at, sizeof length);
  at += sizeof length;
  const std::size_t end = bytes.size() - kHashBytes;
  if (length > end - at) fail(path, "is cut short");

  Checkpoint checkpoint;
  try {
    checkpoint = parse_metadata(bytes.substr(at, length));
  } catch (const YAML::Exception& error) {
    fail(path, std::string("has metadata that cannot be read: ") + error.what());
  }
  at += length;
  for (auto& tensor : checkpoint.tensors) {
    std::size_t count = 1;
    for (const std::int64_t extent : tensor.shape) {
      if (extent < 0 || (extent > 0 && count > bytes.size() / static_cast<std::size_t>(extent)))
        fail(path, "has a tensor " + tensor.name + " larger than the file");
      count *= static_cast<std::size_t>(extent);
    }
    if (count > (end - at) / sizeof(float)) fail(path, "ends before its tensor " + tensor.name);
    tensor.values.resize(count);
    std::memcpy(tensor.values.data(), bytes.data() + at, count * sizeof(float));
    at += count * sizeof(float);
  }
  if (at != end) fail(path, "holds more than its metadata lists");
  checkpoint.info.hash = hex(view.substr(end));
  return checkpoint;
}

}  // namespace flashphase::infer
