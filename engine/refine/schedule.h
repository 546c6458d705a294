#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flashphase::refine {

enum class Algorithm { er, hio };

struct Step {
  Algorithm algorithm = Algorithm::er;
  int iterations = 0;
  float beta = 0.9f;  ///< feedback of HIO

  bool operator==(const Step&) const = default;
};

/// Shrink-wrap (Marchesini et al. 2003): support = blurred amplitude > threshold * its maximum.
struct ShrinkWrap {
  int every = 10;            ///< iterations between updates
  int from = 100;            ///< first iteration at which the support may change
  float sigma_start = 2.0f;  ///< Gaussian blur in pixels, at `from` ...
  float sigma_end = 0.8f;    ///< ... and at the end, linear between
  float threshold = 0.1f;    ///< fraction of the maximum

  bool operator==(const ShrinkWrap&) const = default;
};

struct Schedule {
  std::vector<Step> steps;
  std::optional<ShrinkWrap> shrink_wrap;
  std::string text;  ///< as given, for the record

  int iterations() const;
};

/// Parses e.g. "3*(20*ER+180*HIO)+20*ER",
/// "80*HIO(beta=0.9)+20*ER+SW(every=10,from=100,sigma=2:0.8,threshold=0.1)" or a preset name: "polish"
/// (80*HIO+20*ER), "paper" (600 iterations with shrink-wrap), "random" (for random starts). "none" gives an
/// empty schedule. At most 1 000 000 iterations. Throws std::invalid_argument with a sentence that points at
/// the column.
Schedule parse_schedule(std::string_view text);

}  // namespace flashphase::refine
