#include "engine/simulate/phase.h"

#include <algorithm>
#include <cmath>

#include "engine/simulate/vector_math.h"

namespace flashphase::simulate {
namespace {

constexpr float kReach = 3.5f;  // standard deviations of the kernel that the noise extends beyond the volume

/// Rows of the kernel, one per lattice node, so that independent unit noise on the nodes gives unit variance
/// per axis.
void fill_kernel(float length, int n, std::vector<float>& kernel) {
  const float sigma = length / 2;
  const int nodes = static_cast<int>(std::ceil(static_cast<float>(n - 1) / sigma + 2 * kReach)) + 1;
  const float first = 0.5f * (static_cast<float>(n - 1) - sigma * static_cast<float>(nodes - 1));
  const float scale = 0.75112554f;  // pi^(-1/4): the squares of the row at spacing sigma add up to 1
  kernel.resize(static_cast<std::size_t>(nodes) * n);
  for (int node = 0; node < nodes; ++node) {
    for (int i = 0; i < n; ++i) {
      const float d = (static_cast<float>(i) - first) / sigma - static_cast<float>(node);
      kernel[static_cast<std::size_t>(node * n + i)] = scale * std::exp(-0.5f * d * d);
    }
  }
}

/// out[j, :] = sum over node of kernel[node, j] * in[node, :], rows of `width`.
void contract(const std::vector<float>& kernel, int n, int width, const float* in, float* out) {
  const int nodes = static_cast<int>(kernel.size()) / n;
  for (int j = 0; j < n; ++j) {
    float* target = out + j * width;
    std::fill_n(target, width, 0.0f);
    for (int node = 0; node < nodes; ++node) {
      const float weight = kernel[static_cast<std::size_t>(node * n + j)];
      const float* source = in + node * width;
      for (int i = 0; i < width; ++i) target[i] += weight * source[i];
    }
  }
}

}  // namespace

void PhaseField::correlated(Random& random, std::array<float, 3> length, std::span<float> phase) {
  for (std::size_t axis = 0; axis < 3; ++axis) fill_kernel(length[axis], n_, kernel_[axis]);
  const auto nodes = [&](std::size_t axis) { return static_cast<int>(kernel_[axis].size()) / n_; };
  const int nz = nodes(0), ny = nodes(1), nx = nodes(2);

  noise_.resize(static_cast<std::size_t>(nz) * ny * nx);
  for (float& value : noise_) value = random.normal();

  rows_.assign(static_cast<std::size_t>(nz) * ny * n_, 0.0f);
  for (int row = 0; row < nz * ny; ++row) {
    float* target = &rows_[static_cast<std::size_t>(row * n_)];
    for (int node = 0; node < nx; ++node) {
      const float weight = noise_[static_cast<std::size_t>(row * nx + node)];
      const float* source = &kernel_[2][static_cast<std::size_t>(node * n_)];
      for (int i = 0; i < n_; ++i) target[i] += weight * source[i];
    }
  }
  planes_.resize(static_cast<std::size_t>(nz) * n_ * n_);
  for (int z = 0; z < nz; ++z)
    contract(kernel_[1], n_, n_, &rows_[static_cast<std::size_t>(z * ny * n_)],
             &planes_[static_cast<std::size_t>(z * n_ * n_)]);
  contract(kernel_[0], n_, n_ * n_, planes_.data(), phase.data());
}

void PhaseField::voronoi(Random& random, int domains, float radius, float span, std::span<float> phase) {
  struct Domain {
    float z, y, x, phase;
  };
  std::vector<Domain> cells;
  while (static_cast<int>(cells.size()) < domains) {
    const Range range{-radius, radius};
    const Domain cell{random.uniform(range), random.uniform(range), random.uniform(range), 0};
    if (cell.z * cell.z + cell.y * cell.y + cell.x * cell.x > radius * radius) continue;
    cells.push_back(cell);
    cells.back().phase = random.uniform({-span / 2, span / 2});
  }
  nearest_.resize(static_cast<std::size_t>(n_));
  for (int iz = 0; iz < n_; ++iz) {
    for (int iy = 0; iy < n_; ++iy) {
      const auto z = static_cast<float>(iz - n_ / 2), y = static_cast<float>(iy - n_ / 2);
      float* row = &phase[static_cast<std::size_t>((iz * n_ + iy) * n_)];
      float* nearest = nearest_.data();
      std::fill(nearest_.begin(), nearest_.end(), 1e30f);
      for (const Domain& cell : cells) {
        const float rest = (z - cell.z) * (z - cell.z) + (y - cell.y) * (y - cell.y);
        for (int ix = 0; ix < n_; ++ix) {
          const float dx = static_cast<float>(ix - n_ / 2) - cell.x;
          const float distance = rest + dx * dx;
          row[ix] = distance < nearest[ix] ? cell.phase : row[ix];
          nearest[ix] = distance < nearest[ix] ? distance : nearest[ix];
        }
      }
    }
  }
}

void rescale_phase(std::span<const float> shape, float span, std::span<float> phase) {
  float low = 1e30f, high = -1e30f;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool inside = shape[i] > kInside;
    low = inside && phase[i] < low ? phase[i] : low;
    high = inside && phase[i] > high ? phase[i] : high;
  }
  if (!(high > low)) return;
  const float scale = span / (high - low), middle = 0.5f * (low + high);
  for (float& value : phase) value = (value - middle) * scale;
}

}  // namespace flashphase::simulate
