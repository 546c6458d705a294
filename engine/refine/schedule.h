#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/device/host_device.h"

namespace flashphase::refine {

/// The formulas and their sources stand in algorithms.h, that of DM in iterate.h.
enum class Algorithm { er, aer, hio, raar, dm, rrr, hpr, chio, sf, oss, ml };

struct Step {
  Algorithm algorithm = Algorithm::er;
  int iterations = 0;
  float beta = 0.9f;      ///< feedback; ER, AER and SF have none
  float alpha = 0.4f;     ///< of CHIO
  bool positive = false;  ///< the real part must not be negative
  bool real = false;      ///< the imaginary part must be zero
  float pull = 0;         ///< of ML: expected real-space error of the start; 0 = it says nothing

  bool operator==(const Step&) const = default;
};

/// Shrink-wrap (Marchesini et al. 2003): support = blurred amplitude > threshold * its maximum, or the
/// brightest pixels of a given area, then grown.
struct ShrinkWrap {
  int every = 10;            ///< iterations between updates
  int from = 100;            ///< first iteration at which the support may change
  float sigma_start = 2.0f;  ///< Gaussian blur in pixels, at `from` ...
  float sigma_end = 0.8f;    ///< ... and at the end, linear between
  float threshold = 0.05f;   ///< fraction of the maximum
  float area_start = 0;  ///< above 0: this fraction of the n x n pixels, in place of the threshold, at `from`
  float area_end = 0;    ///< ... and at the end, linear between
  int grow = 1;          ///< then the four neighbours of every pixel, so often: smooth edges stay inside

  /// How much of the way from `from` to the end of the schedule is done before iteration `done`, 0 to 1, or a
  /// negative number where no update is due then.
  FLASHPHASE_HD float part_at(int done, int iterations) const {
    if (done < from || (done - from) % every != 0) return -1;
    const int span = iterations - from > 1 ? iterations - from : 1;
    return static_cast<float>(done - from) / static_cast<float>(span);
  }
  FLASHPHASE_HD float sigma_at(float part) const { return sigma_start + part * (sigma_end - sigma_start); }
  FLASHPHASE_HD float area_at(float part) const { return area_start + part * (area_end - area_start); }

  bool operator==(const ShrinkWrap&) const = default;
};

/// How strictly the modulus is put in place (see bounds.h).
struct ModulusRule {
  float confidence =
      0;  ///< half-width of the interval a count may lie in, in probable errors; 0 = exactly the measured
  float bound = 0;  ///< unmeasured coefficients: at most this times the interpolated modulus; 0 = free

  bool operator==(const ModulusRule&) const = default;
};

/// A start ends early when the lowest fit of its iterates has not fallen by the fraction `gain` within
/// `after` iterations, or has fallen below `below`. Counting begins again when the support changes.
struct Stop {
  int after = 50;
  float gain = 0.01f;
  float below = 0;  ///< modulus chi^2

  bool operator==(const Stop&) const = default;
};

struct Schedule {
  std::vector<Step> steps;
  std::optional<ShrinkWrap> shrink_wrap;
  ModulusRule modulus;
  std::optional<Stop> stop;
  bool until_explained = false;  ///< rounds of these steps and parts of them (engine/refine/explain)
  bool tries_areas = false;  ///< supports of a given area where nothing else convinces (engine/refine/retry)
  std::string text;          ///< as given, for the record

  int iterations() const;
};

/// Parses e.g. "3*(20*ER+180*HIO)+20*ER",
/// "80*HIO(beta=0.9)+20*ER+SW(every=10,from=100,sigma=2:0.8,threshold=0.1)" or a preset name: "polish"
/// (85*HIO+15*AER), "thorough" (polish, then 765*HIO+135*AER), "explain" (rounds of these until a frame is
/// explained: make_explaining_solver), "paper" (600 iterations with shrink-wrap), "random" (for random
/// starts). "none" gives an empty schedule.
///
/// Steps: ER, AER (accelerated ER), HIO, RAAR, DM, RRR, HPR, CHIO, SF, OSS with beta=..., CHIO also
/// alpha=..., each but AER also the option positive, each the option real:
/// "200*RAAR(beta=0.9,positive)+20*ER(positive)"; and ML, maximum likelihood of the counts, alone or as
/// ML(pull=...) towards the start (maximum_likelihood.h; on the CPU alone). Settings of the whole, once,
/// outside parentheses and without a count:
///   SW(every=,from=,sigma=start:end,threshold= or area=start:end,grow=)   MOD(confidence=,bound=)
///   STOP(after=,gain=,below=)
/// At most 1 000 000 iterations. Throws std::invalid_argument with a sentence that points at the column.
Schedule parse_schedule(std::string_view text);

/// "polish, thorough, ..., none"
std::string preset_names();

}  // namespace flashphase::refine
