#pragma once

#include <map>
#include <string>

namespace flashphase::simulate {

/// A number drawn anew for every particle or pattern, uniform in [min, max] unless its user says otherwise.
struct Range {
  float min = 0;
  float max = 0;

  bool operator==(const Range&) const = default;
};

inline constexpr float kFullTurn = 6.2831853f;

/// What a set of simulated patterns is made of. Its YAML text has one key per field, ranges as [min, max] or
/// one number; it is kept in every dataset and is the origin of a trained model's domain. The defaults are
/// the paper's kind: noise-free, strong phase of both families.
struct Recipe {
  int object_size = 32;  ///< n, pixels; the pattern has m = 2n

  Range semi_axis{5,
                  13};  ///< a, b, c of the superellipsoid, px; the circumscribed sphere stays inside the box
  Range exponent{0.2f, 2.5f};    ///< e and n: 0 a box, 1 an ellipsoid, 2 an octahedron, above 2 concave
  Range edge_sigma{0.5f, 1.5f};  ///< Gaussian smoothing of the edge, px

  Range phase_span{kFullTurn / 2, kFullTurn};  ///< width of the interval around 0 that the phase fills, rad
  Range phase_length{4, 32};                   ///< L of the correlated phase, px, drawn per axis
  float voronoi_fraction = 0.3f;               ///< share of particles with Voronoi domains instead
  Range voronoi_domains{2, 12};                ///< number of domains, rounded

  float noise_free_fraction = 1;    ///< share of patterns without photon counting
  Range photons{1e3f, 1e8f};        ///< total on the detector before any mask, log-uniform
  Range background{0, 0};           ///< expected photons per pixel
  float beam_stop_probability = 1;  ///< share of patterns that have the beam stop
  Range beam_stop{0, 0};            ///< radius, px, about the nominal centre
  Range dead_fraction{0, 0};        ///< share of pixels that do not work
  float gap_probability = 0;        ///< share of patterns with a gap between modules
  Range gap_width{1, 4};            ///< px, rounded
  Range centre_offset{0, 0};        ///< distance of the zero of Q from [m/2, m/2], px, in any direction
  Range coherence_blur{0, 0};       ///< sigma of the Gaussian blur of the intensity, px
  float saturation = 0;             ///< photons from which a pixel counts as not measured; 0 = never

  bool operator==(const Recipe&) const = default;
};

/// YAML texts of the recipes that come with the program, by name: the files of deploy/recipes.
const std::map<std::string, std::string>& shipped_recipes();

/// One of these. Throws std::invalid_argument for another name.
Recipe shipped_recipe(const std::string& name);

/// A shipped recipe by its name, else the one in the YAML file of this path. Throws std::invalid_argument
/// with one sentence.
Recipe load_recipe(const std::string& name_or_path);

/// Whether a pattern of this recipe can have pixels that are not measured.
bool has_masks(const Recipe& recipe);

/// Throws std::invalid_argument with one sentence that names the key and what would be right.
Recipe parse_recipe(const std::string& yaml_text);

/// Returns its argument, or throws as parse_recipe does.
const Recipe& validate(const Recipe& recipe);

/// Numbers in their shortest exact form: parse_recipe(to_yaml(r)) == r.
std::string to_yaml(const Recipe& recipe);

}  // namespace flashphase::simulate
