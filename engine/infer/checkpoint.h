#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/infer/network.h"

namespace flashphase::infer {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< row-major
};

/// Everything a model file holds.
struct Checkpoint {
  ModelInfo info;                               ///< info.hash is computed on writing and checked on reading
  std::string network;                          ///< kind of network: "flash" or "wu2021"
  std::map<std::string, int> sizes;             ///< what the network's constructor needs, e.g. channels
  std::string recipe;                           ///< YAML text of the data set recipe it was trained on
  std::map<std::string, std::string> training;  ///< how it was made, for the record
  std::vector<NamedTensor> tensors;
};

/// The model file: the line "flashphase-model 1\n", the length of the metadata (uint64, little endian), the
/// metadata (YAML: name, sizes, domain, recipe, names and shapes of the tensors), the tensors (float32,
/// little endian, in that order), and the SHA-256 of all that precedes (32 bytes). Written to a temporary
/// file first, so that a file of that name is always whole. Returns the hash, hex. Throws std::runtime_error
/// with one sentence.
std::string write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Throws std::runtime_error with one sentence: missing, not a model file, of another version, cut short,
/// damaged (hash).
Checkpoint read_checkpoint(const std::string& path);

}  // namespace flashphase::infer
