#include "engine/infer/views.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/infer/none_network.h"
#include "engine/score/score.h"

namespace flashphase::infer {
namespace {

using testing::ElementsAreArray;

constexpr int kM = 16, kN = 8;
using Object = std::vector<std::complex<float>>;

/// Answers with the middle of the pattern it is shown, so that what comes back tells how it was turned.
class MirrorNetwork final : public Network {
 public:
  MirrorNetwork() {
    info_.pattern_size = kM;
    info_.object_size = kN;
  }
  const ModelInfo& info() const override { return info_; }
  std::string precision() const override { return "fp32"; }
  void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
    counts.push_back(patterns.count);
    objects = ObjectBatch(patterns.count, kN);
    for (int i = 0; i < patterns.count; ++i)
      for (int y = 0; y < kN; ++y)
        for (int x = 0; x < kN; ++x) {
          const auto at = static_cast<std::size_t>((y + kN / 2) * kM + x + kN / 2);
          objects.object_of(i)[static_cast<std::size_t>(y * kN + x)] = {
              patterns.intensity_of(i)[at], static_cast<float>(patterns.measured_of(i)[at])};
        }
    shown.push_back(patterns);
  }

  std::vector<int> counts;
  std::vector<PatternBatch> shown;

 private:
  ModelInfo info_;
};

PatternBatch numbered(int count) {
  PatternBatch patterns(count, kM);
  for (std::size_t i = 0; i < patterns.intensity.size(); ++i) {
    patterns.intensity[i] = static_cast<float>(i);
    patterns.measured[i] = i % 7 == 0;
  }
  return patterns;
}

/// Pixels whose mirror image lies inside the square too, as the first row and column's does not.
bool has_mirror(int y, int x) {
  return y > 0 && x > 0;
}

TEST(Views, TurnsAnswersBackToTheirPlaceInThePattern) {
  MirrorNetwork network;
  Views views(network);
  const PatternBatch patterns = numbered(2);
  ObjectBatch as_it_is;
  network.infer(patterns, as_it_is);
  const Object objects = views(patterns, kViews);
  ASSERT_EQ(objects.size(), 2u * (kViews - 1) * kN * kN);
  for (int i = 0; i < 2; ++i)
    for (int view = 0; view < kViews - 1; ++view)
      for (int y = 0; y < kN; ++y)
        for (int x = 0; x < kN; ++x) {
          if (!has_mirror(y, x)) continue;
          const auto at = static_cast<std::size_t>(y * kN + x);
          EXPECT_EQ(objects[static_cast<std::size_t>(i * (kViews - 1) + view) * kN * kN + at],
                    as_it_is.object_of(i)[at])
              << "pattern " << i << " view " << view + 1 << " [" << y << ", " << x << "]";
        }
}

TEST(Views, ShowsTheNetworkADifferentPatternEachTimeInOneCallPerView) {
  MirrorNetwork network;
  Views views(network);
  const PatternBatch patterns = numbered(3);
  views(patterns, kViews);
  EXPECT_THAT(network.counts, ElementsAreArray({3, 3, 3}));
  for (std::size_t a = 0; a < network.shown.size(); ++a) {
    EXPECT_NE(network.shown[a].intensity, patterns.intensity);
    EXPECT_NE(network.shown[a].measured, patterns.measured);
    for (std::size_t b = 0; b < a; ++b) EXPECT_NE(network.shown[a].intensity, network.shown[b].intensity);
  }
}

TEST(Views, OfOneAsksNothingMore) {
  MirrorNetwork network;
  Views views(network);
  EXPECT_TRUE(views(numbered(2), 1).empty());
  EXPECT_TRUE(network.counts.empty());
}

// The diffraction of a turned answer is the turned pattern: what is turned back explains the pattern itself.
TEST(Views, AnswersExplainThePatternAfterTheyAreTurnedBack) {
  ObjectBatch particle(1, kN);
  for (int y = 2; y < 6; ++y)
    for (int x = 2; x < 7; ++x)
      particle.object[static_cast<std::size_t>(y * kN + x)] = std::polar(
          1 + 0.1f * static_cast<float>(y), 0.3f * static_cast<float>(x) - 0.2f * static_cast<float>(y));

  class KnowsTheParticle final : public Network {
   public:
    explicit KnowsTheParticle(const ObjectBatch& particle) : particle_(particle) {
      info_.pattern_size = kM;
      info_.object_size = kN;
    }
    const ModelInfo& info() const override { return info_; }
    std::string precision() const override { return "fp32"; }
    /// The particle turned in each of eight ways, whichever explains the pattern.
    void infer(const PatternBatch& patterns, ObjectBatch& objects) override {
      objects = ObjectBatch(1, kN);
      float best = 2;
      for (int way = 0; way < 8; ++way) {
        ObjectBatch turned(1, kN);
        for (int y = 1; y < kN; ++y)
          for (int x = 1; x < kN; ++x) {
            int v = way & 1 ? kN - y : y, u = way & 2 ? kN - x : x;
            if (way & 4) std::swap(v, u);
            turned.object[static_cast<std::size_t>(y * kN + x)] =
                particle_.object[static_cast<std::size_t>(v * kN + u)];
          }
        score::ModulusScorer score(kM);
        score(patterns, turned);
        if (turned.residual[0] < best) {
          best = turned.residual[0];
          objects = turned;
        }
      }
    }

   private:
    ModelInfo info_;
    ObjectBatch particle_;
  };

  PatternBatch pattern(1, kM);
  for (int v = 0; v < kM; ++v)
    for (int u = 0; u < kM; ++u) {
      std::complex<double> sum = 0;
      for (int y = 0; y < kN; ++y)
        for (int x = 0; x < kN; ++x)
          sum += std::complex<double>(particle.object[static_cast<std::size_t>(y * kN + x)]) *
                 std::polar(1.0, -2 * std::numbers::pi *
                                     ((v - kM / 2) * (y - kN / 2) + (u - kM / 2) * (x - kN / 2)) / kM);
      pattern.intensity[static_cast<std::size_t>(v * kM + u)] = static_cast<float>(std::norm(sum));
    }

  KnowsTheParticle network(particle);
  Views views(network);
  const Object objects = views(pattern, kViews);
  score::ModulusScorer score(kM);
  for (int view = 0; view < kViews - 1; ++view) {
    ObjectBatch answer(1, kN);
    std::copy_n(objects.data() + view * kN * kN, kN * kN, answer.object.begin());
    score(pattern, answer);
    EXPECT_LT(answer.residual[0], 1e-5f) << "view " << view + 1;
  }
}

TEST(Views, AreAsManyAsANetworkAnswersDifferently) {
  MirrorNetwork network;
  EXPECT_EQ(views_of(network.info(), 1), 1);
  EXPECT_EQ(views_of(network.info(), 3), 3);
  EXPECT_EQ(views_of(network.info(), 48), kViews);
  EXPECT_EQ(views_of(make_none_network(16)->info(), 48), 1);
}

}  // namespace
}  // namespace flashphase::infer
