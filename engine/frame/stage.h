#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace flashphase {

/// The stages a frame passes, in order. These words name folders, config keys, metric labels and log fields.
enum class Stage { ingest, select, preprocess, batch, infer, score, refine, publish };

inline constexpr std::size_t kStageCount = 8;

constexpr std::string_view stage_name(Stage stage) {
  constexpr std::array<std::string_view, kStageCount> names{"ingest", "select", "preprocess", "batch",
                                                            "infer",  "score",  "refine",     "publish"};
  return names[static_cast<std::size_t>(stage)];
}

/// Seconds a frame spent in each stage, waiting included; 0 where it did not pass.
struct StageTimes {
  std::array<float, kStageCount> seconds{};

  float& operator[](Stage stage) { return seconds[static_cast<std::size_t>(stage)]; }
  float operator[](Stage stage) const { return seconds[static_cast<std::size_t>(stage)]; }
};

}  // namespace flashphase
