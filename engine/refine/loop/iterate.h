#pragma once

#include <complex>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>

#include "engine/fft/fft2.h"
#include "engine/refine/loop/loop.h"
#include "engine/refine/loop/maximum_likelihood.h"
#include "engine/refine/schedule.h"

namespace flashphase::refine {

/// How an iterate fits the measured modulus.
struct Fit {
  double chi2 = 1;   ///< modulus chi^2 with the best scale (engine/score)
  double scale = 1;  ///< that scale
};

/// One frame in iteration: the object g on [m, m], its support, the measured modulus. One iteration is
/// project(), then update() or difference_map(), with P = F^-1[ sqrt(I) F g / |F g| ], unmeasured
/// coefficients as they are or bounded. The n x n object sits in the corner of the frame and Fourier space
/// stays transposed, so that nothing is ever shifted. Inside, the pattern is scaled to a mean of about 1;
/// unit() gives its own units back. Thread: one. No allocation after construction but for the first climb()
/// and keep_start().
class Iterate {
 public:
  explicit Iterate(int m);

  int size() const { return fft_.size(); }

  /// Precondition: measured values are finite and not negative.
  void set_pattern(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                   const ModulusRule& rule = {});
  /// Some measured pixel is above zero.
  bool has_signal() const { return modulus_energy_ > 0; }

  /// g = start inside the support, scaled to the pattern. Shapes [n, n].
  void set_start(std::span<const std::complex<float>> object, std::span<const std::uint8_t> support, int n);

  /// Puts the measured modulus in place; an update must follow. Gives the fit of g as it is (where asked
  /// for).
  Fit project(bool fit = true);

  /// The iteration's end, see update_of().
  void update(const Update& update);

  /// The iteration's end for accelerated error reduction,
  ///   x = P inside the support, 0 outside;  g = x + (t - 1) / t' (x - last x),  t' = (1 + sqrt(1 + 4 t^2)) /
  ///   2
  /// (ER is a gradient step on the misfit: Fienup, Appl. Opt. 21, 2758, 1982; the momentum is Nesterov's,
  /// Soviet Math. Dokl. 27, 372, 1983). It begins again with t = 1 where `chi2`, that of g as projected, has
  /// risen (O'Donoghue & Candes, Found. Comput. Math. 15, 715, 2015), and where none is given: then g is no
  /// iterate of this algorithm. g stays zero outside the support, so it is a candidate as ER's is.
  void accelerate(bool real, std::optional<double> chi2);

  /// The iteration's end for the difference map,
  ///   g + b { P_S[(1 + 1/b) P - g/b] - P_M[(1 - 1/b) P_S g + g/b] }
  /// (Elser, J. Opt. Soc. Am. A 20, 40, 2003, with his best relaxations -1/b and 1/b). P_S keeps the support,
  /// with the options also what is positive and what is real.
  void difference_map(float beta, bool positive, bool real);

  /// The iteration's end for maximum likelihood of the counts, which the pattern has to be (intervals and
  /// bounds do not count): a step of MaximumLikelihood. `pull` as there, its x0 the start, of which
  /// keep_start() was told.
  void climb(bool first, float pull);

  /// Before the first project(): g as it is, is what climb() pulls to.
  void keep_start();

  /// Between two iterations: g outside the support through exp(-(k / width)^2 / 2), k and width in pixels of
  /// Fourier space (oversampling smoothness, Rodriguez et al., J. Appl. Cryst. 46, 312, 2013).
  void smooth_outside(float width);

  /// g = 0 outside the support, between two iterations.
  void constrain();

  /// The modulus [m, m] of the coefficients of g as it is, in the units of the pattern, in Fft2's Fourier
  /// layout. Overwrites the last call's.
  std::span<const float> calculated_modulus();

  /// g and support as planes [m, m] with rows of stride(); the object is the corner [0, n) x [0, n).
  int stride() const { return loop_->stride(); }
  const float* re() const { return loop_->re(); }
  const float* im() const { return loop_->im(); }
  float* support() { return support_.data(); }
  const float* support() const { return support_.data(); }

  /// Multiply g by this for the units of the pattern.
  double unit() const { return unit_; }

 private:
  void set_bounds(std::span<const float> intensity, std::span<const std::uint8_t> measured,
                  const ModulusRule& rule);
  Target target() const;
  void spread(fft::AlignedFloats& plane) const;
  void transform_g();
  MaximumLikelihood& likelihood();

  std::unique_ptr<Loop> loop_;
  fft::Fft2 fft_;
  std::size_t cells_;  ///< of a plane with its padding
  fft::AlignedFloats modulus_, low_, high_, support_;
  fft::AlignedFloats a_re_, a_im_, b_re_, b_im_;  ///< of the difference map, smooth_outside and accelerate
  double momentum_ = 1;                           ///< t of accelerate ...
  double last_chi2_ = std::numeric_limits<double>::infinity();  ///< ... and what it must not rise above
  std::optional<MaximumLikelihood> likelihood_;
  bool bounded_ = false;
  double modulus_energy_ = 0;  ///< sum of the scaled modulus squared over measured pixels
  double unit_ = 1;
};

}  // namespace flashphase::refine
