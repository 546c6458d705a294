#include "engine/simulate/recipe.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <variant>

#include "engine/simulate/shape.h"

namespace flashphase::simulate {
namespace {

/// A key, the field it means, and the bounds of its value (of both ends of a range).
struct Key {
  const char* name;
  std::variant<int Recipe::*, float Recipe::*, Range Recipe::*> field;
  float lowest;
  float highest;
};

constexpr std::array kKeys{
    Key{"object_size", &Recipe::object_size, 8, 256},
    Key{"semi_axis", &Recipe::semi_axis, 1, 128},
    Key{"exponent", &Recipe::exponent, 0.1f, 4},
    Key{"edge_sigma", &Recipe::edge_sigma, 0.1f, 8},
    Key{"phase_span", &Recipe::phase_span, 0, 6.3f},
    Key{"phase_length", &Recipe::phase_length, 2, 1024},
    Key{"voronoi_fraction", &Recipe::voronoi_fraction, 0, 1},
    Key{"voronoi_domains", &Recipe::voronoi_domains, 1, 1000},
    Key{"noise_free_fraction", &Recipe::noise_free_fraction, 0, 1},
    Key{"photons", &Recipe::photons, 1, 1e12f},
    Key{"background", &Recipe::background, 0, 1e6f},
    Key{"beam_stop_probability", &Recipe::beam_stop_probability, 0, 1},
    Key{"beam_stop", &Recipe::beam_stop, 0, 64},
    Key{"dead_fraction", &Recipe::dead_fraction, 0, 0.9f},
    Key{"gap_probability", &Recipe::gap_probability, 0, 1},
    Key{"gap_width", &Recipe::gap_width, 1, 64},
    Key{"centre_offset", &Recipe::centre_offset, 0, 8},
    Key{"coherence_blur", &Recipe::coherence_blur, 0, 8},
    Key{"saturation", &Recipe::saturation, 0, 1e12f},
};

std::string shortest(float value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

[[noreturn]] void refuse(const std::string& key, const std::string& reason) {
  throw std::invalid_argument("recipe key '" + key + "' " + reason);
}

void check(const Key& key, float value) {
  if (value >= key.lowest && value <= key.highest) return;
  refuse(key.name, "must be from " + shortest(key.lowest) + " to " + shortest(key.highest) + ", not " +
                       shortest(value));
}

template <class T>
T scalar(const Key& key, const YAML::Node& node) {
  T value{};
  if (!node.IsScalar() || !YAML::convert<T>::decode(node, value))
    refuse(key.name, std::is_same_v<T, int> ? "must be a whole number" : "must be a number");
  return value;
}

Range range(const Key& key, const YAML::Node& node) {
  if (node.IsScalar()) {
    const float value = scalar<float>(key, node);
    return {value, value};
  }
  if (!node.IsSequence() || node.size() != 2) refuse(key.name, "must be a number or a range [min, max]");
  return {scalar<float>(key, node[0]), scalar<float>(key, node[1])};
}

void assign(Recipe& recipe, const Key& key, const YAML::Node& node) {
  if (const auto* whole = std::get_if<int Recipe::*>(&key.field)) recipe.*(*whole) = scalar<int>(key, node);
  if (const auto* number = std::get_if<float Recipe::*>(&key.field))
    recipe.*(*number) = scalar<float>(key, node);
  if (const auto* both = std::get_if<Range Recipe::*>(&key.field)) recipe.*(*both) = range(key, node);
}

std::string known_keys() {
  std::string names;
  for (const Key& key : kKeys) names += (names.empty() ? "" : ", ") + std::string(key.name);
  return names;
}

std::string shipped_names() {
  std::string names;
  for (const auto& [name, text] : shipped_recipes()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

YAML::Node load(const std::string& text) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw std::invalid_argument("the recipe is not YAML: " + std::string(error.what()));
  }
}

}  // namespace

Recipe shipped_recipe(const std::string& name) {
  const auto found = shipped_recipes().find(name);
  if (found == shipped_recipes().end())
    throw std::invalid_argument("no recipe '" + name + "' is shipped; there are " + shipped_names());
  return parse_recipe(found->second);
}

Recipe load_recipe(const std::string& name_or_path) {
  if (shipped_recipes().contains(name_or_path)) return shipped_recipe(name_or_path);
  std::ifstream file(name_or_path);
  std::ostringstream text;
  if (!file || std::filesystem::is_directory(name_or_path) || (text << file.rdbuf()).bad() || file.bad())
    throw std::invalid_argument("recipe '" + name_or_path + "' is neither shipped (" + shipped_names() +
                                ") nor a file that can be read");
  return parse_recipe(text.str());
}

bool has_masks(const Recipe& recipe) {
  return (recipe.beam_stop_probability > 0 && recipe.beam_stop.max > 0) || recipe.dead_fraction.max > 0 ||
         recipe.gap_probability > 0 || recipe.saturation > 0;
}

Recipe parse_recipe(const std::string& yaml_text) {
  const YAML::Node root = load(yaml_text);
  Recipe recipe;
  if (!root.IsNull() && !root.IsMap())
    throw std::invalid_argument("the recipe must be a list of 'key: value' lines");
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const auto name = entry.first.as<std::string>("");
    if (!seen.insert(name).second) refuse(name, "is there twice");
    const auto key = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return k.name == name; });
    if (key == kKeys.end()) refuse(name, "is unknown; known are " + known_keys());
    assign(recipe, *key, entry.second);
  }
  return validate(recipe);
}

const Recipe& validate(const Recipe& recipe) {
  for (const Key& key : kKeys) {
    if (const auto* whole = std::get_if<int Recipe::*>(&key.field))
      check(key, static_cast<float>(recipe.*(*whole)));
    if (const auto* number = std::get_if<float Recipe::*>(&key.field)) check(key, recipe.*(*number));
    if (const auto* both = std::get_if<Range Recipe::*>(&key.field)) {
      const Range value = recipe.*(*both);
      check(key, value.min);
      check(key, value.max);
      if (value.min > value.max) refuse(key.name, "has its minimum above its maximum");
    }
  }
  const auto half = static_cast<float>(recipe.object_size);
  if (recipe.beam_stop_probability > 0 && recipe.beam_stop.max > half)
    refuse("beam_stop",
           "hides the whole pattern: it must be at most " + shortest(half) + " px, half a pattern");
  if (recipe.gap_probability > 0 && recipe.gap_width.max > half)
    refuse("gap_width",
           "hides most of the pattern: it must be at most " + shortest(half) + " px, half a pattern");
  const float axis = recipe.semi_axis.min;
  const Superellipsoid smallest{axis, axis, axis, recipe.exponent.max, recipe.exponent.max};
  const float room = box_radius(recipe.object_size, recipe.edge_sigma.max);
  if (smallest.circumscribed_radius() > room)
    refuse("semi_axis", "leaves no particle that fits: the smallest must be at most " + shortest(room) +
                            " px in a box of object_size " + std::to_string(recipe.object_size));
  return recipe;
}

std::string to_yaml(const Recipe& recipe) {
  std::ostringstream text;
  for (const Key& key : kKeys) {
    text << key.name << ": ";
    if (const auto* whole = std::get_if<int Recipe::*>(&key.field)) text << recipe.*(*whole);
    if (const auto* number = std::get_if<float Recipe::*>(&key.field)) text << shortest(recipe.*(*number));
    if (const auto* both = std::get_if<Range Recipe::*>(&key.field))
      text << '[' << shortest((recipe.*(*both)).min) << ", " << shortest((recipe.*(*both)).max) << ']';
    text << '\n';
  }
  return text.str();
}

}  // namespace flashphase::simulate
