#include "engine/refine/starts/registration.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "engine/score/metrics.h"
#include "tests/engine/refine/particle.h"

namespace flashphase::refine {
namespace {

using Complex = std::complex<float>;

constexpr int kN = 24;

/// The particle in a square with room around it, moved, perhaps its twin, times a factor.
ObjectBatch moved(const Particle& particle, int dy, int dx, bool twin, Complex factor) {
  ObjectBatch batch(1, kN);
  const int n = particle.n;
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const auto from = static_cast<std::size_t>(y * n + x);
      if (!particle.support[from]) continue;
      const int v = (twin ? n / 2 - y : y - n / 2) + kN / 2 + dy,
                u = (twin ? n / 2 - x : x - n / 2) + kN / 2 + dx;
      const auto to = static_cast<std::size_t>(v * kN + u);
      batch.object[to] = factor * (twin ? std::conj(particle.object[from]) : particle.object[from]);
      batch.support[to] = 1;
    }
  }
  return batch;
}

float largest_difference(const ObjectBatch& a, const ObjectBatch& b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.object.size(); ++i)
    largest = std::max(largest, std::abs(a.object[i] - b.object[i]));
  return largest;
}

TEST(Registration, UndoesTwinTranslationAndPhaseAndKeepsTheScale) {
  const Particle particle(16);
  const ObjectBatch reference = moved(particle, 0, 0, false, 1), scaled = moved(particle, 0, 0, false, 3);
  for (const bool twin : {false, true}) {
    ObjectBatch object = moved(particle, 2, -3, twin, std::polar(3.0f, 2.0f));
    register_to(reference, object);
    EXPECT_LT(largest_difference(object, scaled), 1e-4f) << twin;
    EXPECT_EQ(object.support, reference.support) << twin;
  }
}

TEST(Registration, LeavesTheDiffractionAsItIs) {
  const Particle particle(16);
  ObjectBatch reference = moved(particle, 4, 4, true, 1);
  for (Complex& value : reference.object) value += 0.1f;
  ObjectBatch object = moved(particle, -3, 1, false, 2);
  const auto before = score::diffraction(object.object, kN, 2 * kN);
  register_to(reference, object);
  const auto after = score::diffraction(object.object, kN, 2 * kN);
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-4f * before[i] + 0.05f);
}

TEST(Registration, PushesNothingBeyondTheSquare) {
  // The reference is the object, cut off at the edge of the square: the best translation would cut the object
  // too.
  const Particle particle(16);
  ObjectBatch reference(1, kN);
  const ObjectBatch whole = moved(particle, 0, 0, false, 1);
  for (int y = 9; y < kN; ++y) {
    for (int x = 0; x < kN; ++x) {
      reference.object[static_cast<std::size_t>((y - 9) * kN + x)] =
          whole.object[static_cast<std::size_t>(y * kN + x)];
    }
  }
  ObjectBatch object = whole;
  register_to(reference, object);
  const auto energy = [](const ObjectBatch& batch) {
    float sum = 0;
    for (const Complex value : batch.object) sum += std::norm(value);
    return sum;
  };
  EXPECT_NEAR(energy(object), energy(whole), 1e-3f * energy(whole));
  EXPECT_EQ(std::count(object.support.begin(), object.support.end(), 1),
            std::count(whole.support.begin(), whole.support.end(), 1));
}

TEST(Registration, MayLoseFaintPixelsOfAWholeSquare) {
  // The twin of an even square sticks out by a row and a column.
  const Particle particle(16);
  const ObjectBatch reference = moved(particle, 0, 0, false, 1);
  ObjectBatch object = moved(particle, 0, 0, true, 1);
  for (std::size_t i = 0; i < object.object.size(); ++i) {
    object.support[i] = 1;
    object.object[i] += 0.001f;
  }
  register_to(reference, object);
  EXPECT_LT(largest_difference(object, reference), 0.01f);
}

TEST(Registration, KeepsABrightRowOfAWholeSquare) {
  ObjectBatch object(1, 4), reference(1, 4);
  for (std::size_t i = 0; i < 16; ++i) {
    object.object[i] = {static_cast<float>(i * i % 7) + 1, static_cast<float>(i % 3)};
    reference.object[15 - i] = std::conj(object.object[i]);
    object.support[i] = 1;
  }
  register_to(reference, object);
  EXPECT_LT(largest_difference(object, reference), 1e-4f);
  EXPECT_EQ(std::count(object.support.begin(), object.support.end(), 1), 16);
}

TEST(Registration, LeavesZeroObjectsAlone) {
  const ObjectBatch reference = moved(Particle(16), 0, 0, false, 1);
  ObjectBatch zero(1, kN);
  register_to(reference, zero);
  EXPECT_EQ(zero.object, ObjectBatch(1, kN).object);
  ObjectBatch object = reference;
  register_to(zero, object);
  EXPECT_EQ(object.object, reference.object);
}

TEST(Registration, RefusesBatchesThatDiffer) {
  ObjectBatch object(1, kN);
  EXPECT_THROW(register_to(ObjectBatch(2, kN), object), std::invalid_argument);
  EXPECT_THROW(register_to(ObjectBatch(1, kN / 2), object), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::refine
