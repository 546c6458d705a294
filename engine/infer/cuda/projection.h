#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/device/block_fft.h"

namespace flashphase::infer::cuda {

/// A batch of projections as the kernel takes it, by value; see ModulusProjection::project.
struct ProjectionBatch {
  const float* object = nullptr;           ///< [B, 2, m/2, m/2]
  const float* modulus = nullptr;          ///< [B, m, m] in the layout of fft::Fft2
  const std::uint8_t* measured = nullptr;  ///< the same
  float* projected = nullptr;              ///< [B, 2, m/2, m/2]
};

/// The modulus projection of one object in one block of device::PlaneFft<kSize>::kThreads: the plane
/// lies in shared memory from the first load to the last store. The object sits in the plane's corner: where
/// it sits changes phases of its spectrum, which the projection keeps.
template <int kSize, class Block, class Elements>
class ProjectionKernel {
 public:
  using Fft = device::PlaneFft<kSize>;
  using Axis = device::Axis;
  using Complex = device::Complex;
  static constexpr int kObject = kSize / 2;
  static_assert(Fft::kNoneRests);

  /// `plane` holds Fft::kElements, `twists` Fft::kTwists.
  FLASHPHASE_DEVICE ProjectionKernel(Block& block, Elements plane, Elements twists,
                                     const ProjectionBatch& batch, int item)
      : block_(block),
        plane_(plane),
        twists_(twists),
        object_(batch.object + static_cast<std::size_t>(item) * (2 * kObject * kObject)),
        modulus_(batch.modulus + static_cast<std::size_t>(item) * (kSize * kSize)),
        measured_(batch.measured + static_cast<std::size_t>(item) * (kSize * kSize)),
        projected_(batch.projected + static_cast<std::size_t>(item) * (2 * kObject * kObject)) {}

  FLASHPHASE_DEVICE void run() {
    load();
    block_.sync();
    Fft::template dense_pass<false, Axis::y>(block_, plane_, twists_);
    block_.sync();
    Fft::template strided_pass<false, Axis::x>(block_, plane_, twists_);
    block_.sync_warps();
    change_modulus();
    block_.sync_warps();
    Fft::template strided_pass<true, Axis::x>(block_, plane_, twists_);
    block_.sync();
    Fft::template dense_pass<true, Axis::y>(block_, plane_, twists_);
    block_.sync_warps();
    store();
  }

 private:
  static constexpr float kTiny = 1e-24f;  // as in ModulusProjection
  static constexpr float kInverseCells = 1.0f / (static_cast<float>(kSize) * kSize);

  template <Axis kAxis>
  FLASHPHASE_DEVICE auto passes(int thread) const {
    return typename Fft::template Passes<kAxis, Elements>(plane_, thread);
  }

  FLASHPHASE_DEVICE void load() {
    block_.each([&](int thread) {
      if (thread < Fft::kTwists) {
        const float halves = -2.0f * static_cast<float>(thread) / kSize;
        twists_[thread] = Complex{block_.cos_pi(halves), block_.sin_pi(halves)};
      }
      const auto along_y = passes<Axis::y>(thread);
      const int x = Fft::line(thread);
      for (int group = 0; group < Fft::kStridedGroups; ++group) {
        Complex v[Fft::kFirst];
        FLASHPHASE_UNROLL
        for (int k = 0; k < Fft::kFirst; ++k) {
          const int y = Fft::strided(thread, group, k);
          const bool inside = x < kObject && y < kObject;
          v[k] = inside ? Complex{object_[y * kObject + x], object_[(kObject + y) * kObject + x]}
                        : Complex{0, 0};
        }
        device::transform<Fft::kFirst, false, false>(v, {});
        along_y.store_strided(v, group);
      }
    });
  }

  /// The last pass of the forward transform, the projection, and the first pass back.
  FLASHPHASE_DEVICE void change_modulus() {
    block_.each([&](int thread) {
      const auto pass = passes<Axis::x>(thread);
      const int ky = Fft::frequency(Fft::line(thread));
      for (int group = 0; group < Fft::kDenseGroups; ++group) {
        Complex v[Fft::kSecond];
        pass.load_dense(v, group);
        device::transform<Fft::kSecond, false, true>(v, pass.twist(twists_, group));
        FLASHPHASE_UNROLL
        for (int k = 0; k < Fft::kSecond; ++k) {
          const int at = Fft::frequency(Fft::dense(thread, group, k)) * kSize + ky;
          const float gain =
              modulus_[at] * block_.inverse_root(v[k].re * v[k].re + v[k].im * v[k].im + kTiny);
          v[k] = (measured_[at] ? gain : 1.0f) * v[k];
        }
        device::transform<Fft::kSecond, true, false>(v, {});
        pass.store_dense(v, group);
      }
    });
  }

  FLASHPHASE_DEVICE void store() {
    block_.each([&](int thread) {
      const auto pass = passes<Axis::y>(thread);
      const int x = Fft::line(thread);
      if (x >= kObject) return;
      for (int group = 0; group < Fft::kStridedGroups; ++group) {
        Complex v[Fft::kFirst];
        pass.load_strided(v, group);
        device::transform<Fft::kFirst, true, true>(v, conjugate(pass.twist(twists_, group)));
        FLASHPHASE_UNROLL
        for (int k = 0; k < Fft::kFirst; ++k) {
          const int y = Fft::strided(thread, group, k);
          if (y >= kObject) continue;
          projected_[y * kObject + x] = kInverseCells * v[k].re;
          projected_[(kObject + y) * kObject + x] = kInverseCells * v[k].im;
        }
      }
    });
  }

  Block& block_;
  Elements plane_, twists_;
  const float* object_;
  const float* modulus_;
  const std::uint8_t* measured_;
  float* projected_;
};

}  // namespace flashphase::infer::cuda
