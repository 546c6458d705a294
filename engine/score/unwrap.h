#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flashphase::score {

/// Two-dimensional phase unwrapping, sorted by reliability and following a non-continuous path: Herraez,
/// Burton, Lalor & Gdeisat, Appl. Opt. 41, 7437 (2002).
///
/// With w() the wrap to [-pi, pi], a pixel has the second difference D = sqrt(H^2 + V^2 + D1^2 + D2^2), H =
/// w(left - middle) - w(middle - right), likewise V down the column and D1, D2 along the diagonals. Its
/// reliability is 1 / D, 0 where one of the eight neighbours is missing; that of an edge between neighbours
/// in a row or a column is the sum of both ends. Edges are taken from the most reliable down (equal ones in
/// raster order, the right neighbour before the one below); each joins the groups of its two ends, the
/// smaller one shifted by a multiple of 2 pi.
///
/// Each region of the mask that edges connect comes out as one group, shifted as a whole by the multiple of 2
/// pi that brings its mean nearest to 0: regions have no common phase that the data could tell.
///
/// Thread: one instance serves one thread at a time. Time O(N log N) in the pixels inside the mask. No
/// allocation after construction.
class Unwrapper {
 public:
  /// Throws std::invalid_argument unless 1 <= height * width < 2^31.
  Unwrapper(int height, int width);

  /// `phase` in radians (any, not only wrapped), `inside` 1 where it counts, both [height, width] row-major.
  /// `unwrapped` gets phase + 2 pi k inside and 0 elsewhere; it may be the memory of `phase`. A pixel whose
  /// phase is not finite counts as outside. Throws std::invalid_argument when a shape does not fit.
  void operator()(std::span<const float> phase, std::span<const std::uint8_t> inside,
                  std::span<float> unwrapped);

 private:
  struct Edge {
    double reliability;
    std::uint32_t index;  ///< 2 * pixel, + 1 for the neighbour below instead of the one on the right
  };
  /// A pixel in the forest of groups.
  struct Node {
    std::int32_t parent;  ///< itself at the root
    std::int32_t size;    ///< pixels of the group, at its root
    double turns;         ///< multiples of 2 pi to add, relative to the parent
  };
  struct Group {
    std::int32_t root;
    double turns;  ///< of the pixel that was asked for, relative to the root
  };

  bool surrounded(int y, int x) const;
  double reliability(int y, int x) const;
  void measure();
  void collect_edges();
  Group find(std::int32_t pixel);
  void join(const Edge& edge);
  void write(std::span<float> unwrapped);

  int height_;
  int width_;
  std::vector<double> phase_;        ///< NaN outside
  std::vector<double> reliability_;  ///< then the sum of a region's phases, at its root
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
};

}  // namespace flashphase::score
