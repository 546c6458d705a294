#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/frame/model_info.h"
#include "engine/frame/pattern.h"
#include "engine/frame/remarks.h"

namespace flashphase {

/// Complex images side by side. `object` is in the units of the pattern: |F(object)|^2 compares with the
/// intensity.
struct ObjectBatch {
  int count = 0;                            ///< B
  int size = 0;                             ///< n
  std::vector<std::complex<float>> object;  ///< [B, n, n]
  std::vector<std::uint8_t> support;        ///< [B, n, n] 1 = inside
  std::vector<float> residual;              ///< [B] modulus chi^2 (engine/score), negative = not computed

  ObjectBatch() = default;
  ObjectBatch(int batch, int n)
      : count(batch),
        size(n),
        object(cells()),
        support(cells()),
        residual(static_cast<std::size_t>(batch), -1.0f) {}

  std::size_t cells() const { return static_cast<std::size_t>(count) * object_cells(); }
  std::size_t object_cells() const { return static_cast<std::size_t>(size) * static_cast<std::size_t>(size); }
  std::span<const std::complex<float>> object_of(int index) const {
    return {object.data() + static_cast<std::size_t>(index) * object_cells(), object_cells()};
  }
  std::span<std::complex<float>> object_of(int index) {
    return {object.data() + static_cast<std::size_t>(index) * object_cells(), object_cells()};
  }
  std::span<const std::uint8_t> support_of(int index) const {
    return {support.data() + static_cast<std::size_t>(index) * object_cells(), object_cells()};
  }
  std::span<std::uint8_t> support_of(int index) {
    return {support.data() + static_cast<std::size_t>(index) * object_cells(), object_cells()};
  }
};

enum class ResultStage { inferred, refined };

/// Why a frame got no more effort (engine/refine/explain).
enum class Outcome {
  given_up,    ///< its effort is spent
  reproduced,  ///< an independent start came to the same image
  explained    ///< nothing is left that noise or arithmetic does not explain
};
inline constexpr std::size_t kOutcomeCount = 3;

constexpr std::string_view outcome_name(Outcome outcome) {
  constexpr std::array<std::string_view, kOutcomeCount> names{"given_up", "reproduced", "explained"};
  return names[static_cast<std::size_t>(outcome)];
}

/// One result as it leaves the service. The image is scaled to a maximum amplitude of 1.
struct Reconstruction {
  std::shared_ptr<const Pattern>
      pattern;  ///< carries the frame's identity, arrival and hit score; never null
  ResultStage stage = ResultStage::inferred;
  int size = 0;                       ///< n
  std::vector<float> amplitude;       ///< [n, n] maximum 1
  std::vector<float> phase;           ///< [n, n] radians in (-pi, pi], meaningful inside the support
  std::vector<std::uint8_t> support;  ///< [n, n]
  float residual = 0;                 ///< modulus chi^2 of its own diffraction against the measured pixels
  float noise_residual = 0;           ///< what of it counting noise explains (engine/score/noise.h)
  Remarks remarks{};                  ///< what speaks against it
  std::shared_ptr<const ModelInfo> model;  ///< that gave the answer; none when no model took part
  StageTimes times;
  int iterations = 0;    ///< refined only
  std::string schedule;  ///< refined only
  int round = 0;         ///< of refinement: 1 is the first; 0 = none
  /// Where frames are refined until they are explained (engine/refine/explain), else nothing: whether it is,
  /// and once no further round will come, why.
  std::optional<bool> explained;
  std::optional<Outcome> outcome;
  /// Refined from several starts only, else nothing: how far their better half agrees, 0 to 1, and its phase
  /// retrieval transfer function over rings 0 .. m/2 of the pattern (engine/score/confidence.h).
  std::optional<float> agreement;
  std::vector<float> prtf;
};

/// Whether all that it says is a number.
bool is_finite(const Reconstruction& result);

}  // namespace flashphase
