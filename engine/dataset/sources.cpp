#include "engine/dataset/sources.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>

namespace flashphase::hdf5 {
namespace {

namespace fs = std::filesystem;

constexpr int kLevels = 8;  // of virtual arrays over virtual arrays

Handle open_quietly(const std::string& path) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access, false, true);
  return {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), H5Fclose};
}

/// Registered numbers of filters that detectors use.
std::string filter_name(H5Z_filter_t filter, const std::array<char, 64>& written) {
  constexpr std::pair<H5Z_filter_t, const char*> kKnown[] = {
      {H5Z_FILTER_SZIP, "szip"}, {32000, "lzf"}, {32001, "blosc"}, {32004, "lz4"},
      {32008, "bitshuffle"},     {32013, "zfp"}, {32015, "zstd"},  {32026, "blosc2"}};
  for (const auto& [number, name] : kKnown)
    if (number == filter) return name;
  return written[0] ? written.data() : "unknown";
}

std::string filter_problem(hid_t creation, const std::string& name) {
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    std::array<char, 64> written{};
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr,
                                               written.size(), written.data(), nullptr);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    return name + " is compressed with filter " + std::to_string(filter) + " (" +
           filter_name(filter, written) +
           "), which HDF5 does not find: set HDF5_PLUGIN_PATH to the folder of its plug-in, or write the "
           "file "
           "anew with gzip";
  }
  return {};
}

/// The places where HDF5 looks for a file that another one names.
std::vector<fs::path> places_of(const std::string& source, const std::string& from, const char* prefixes) {
  std::vector<fs::path> places;
  const fs::path name(source), folder = fs::path(from).parent_path();
  std::error_code ignored;
  const fs::path real_folder = fs::weakly_canonical(from, ignored).parent_path();
  if (const char* listed = std::getenv(prefixes); listed != nullptr) {
    std::istringstream list(listed);
    for (std::string prefix; std::getline(list, prefix, ':');) {
      if (prefix.starts_with("${ORIGIN}")) prefix = real_folder.string() + prefix.substr(9);
      places.push_back(fs::path(prefix) / name.relative_path());
    }
  }
  places.push_back(name.is_absolute() ? name : folder / name);
  places.push_back(real_folder / (name.is_absolute() ? name.filename() : name));
  places.push_back(name);
  return places;
}

std::string virtual_source(hid_t creation, std::size_t index,
                           ssize_t (*get)(hid_t, std::size_t, char*, std::size_t)) {
  std::string text(static_cast<std::size_t>(std::max<ssize_t>(0, get(creation, index, nullptr, 0))) + 1,
                   '\0');
  get(creation, index, text.data(), text.size());
  text.pop_back();
  return text;
}

/// HDF5 counts the blocks of an unlimited source from 0.
std::string first_block(std::string name) {
  if (const auto at = name.find("%b"); at != std::string::npos) name.erase(at, 1)[at] = '0';
  return name;
}

/// Whether the selection that is mapped lies inside the source.
bool covers(hid_t array, hid_t creation, std::size_t index) {
  const Handle wanted(H5Pget_virtual_srcspace(creation, index), H5Sclose), has(H5Dget_space(array), H5Sclose);
  if (!wanted || !has || H5Sget_select_type(wanted) == H5S_SEL_ALL) return true;
  const int axes = H5Sget_simple_extent_ndims(wanted);
  if (axes < 1 || axes != H5Sget_simple_extent_ndims(has)) return axes < 1;
  std::vector<hsize_t> first(static_cast<std::size_t>(axes)), last(first), edges(first);
  if (H5Sget_select_bounds(wanted, first.data(), last.data()) < 0) return true;  // unlimited
  H5Sget_simple_extent_dims(has, edges.data(), nullptr);
  for (std::size_t axis = 0; axis < edges.size(); ++axis)
    if (last[axis] >= edges[axis]) return false;
  return true;
}

std::string problem_at(const std::string& path, hid_t file, hid_t array, const std::string& name, int level);

std::string source_problem(const std::string& path, hid_t file, hid_t creation, std::size_t index,
                           const std::string& name, int level) {
  const std::string source = first_block(virtual_source(creation, index, H5Pget_virtual_filename));
  const std::string inner = first_block(virtual_source(creation, index, H5Pget_virtual_dsetname));
  const auto look = [&](const std::string& where, hid_t in) -> std::string {
    const Handle array(H5Dopen2(in, inner.c_str(), H5P_DEFAULT), H5Dclose);
    if (!array) return name + " is virtual, and its source " + source + " has no " + inner;
    if (!covers(array, creation, index))
      return name + " is virtual, and " + inner + " of its source " + source + " is too short";
    return problem_at(where, in, array, inner + " of " + source, level + 1);
  };
  if (source == ".") return look(path, file);
  for (const fs::path& place : places_of(source, path, "HDF5_VDS_PREFIX"))
    if (const Handle found = open_quietly(place.string()); found) return look(place.string(), found);
  return name + " is virtual, and its source " + source + " is missing or not readable";
}

std::string external_problem(const std::string& path, hid_t creation, const std::string& name) {
  for (int i = 0; i < H5Pget_external_count(creation); ++i) {
    std::array<char, 4096> file{};
    off_t offset = 0;
    hsize_t bytes = 0;
    H5Pget_external(creation, static_cast<unsigned>(i), file.size() - 1, file.data(), &offset, &bytes);
    const auto places = places_of(file.data(), path, "HDF5_EXTFILE_PREFIX");
    std::error_code error;
    const auto found = std::ranges::find_if(places, [](const fs::path& place) { return fs::exists(place); });
    if (found == places.end()) return name + " lies in " + file.data() + ", which is missing";
    if (bytes != H5F_UNLIMITED && fs::file_size(*found, error) < static_cast<hsize_t>(offset) + bytes)
      return name + " lies in " + file.data() + ", which is too short";
  }
  return {};
}

std::string problem_at(const std::string& path, hid_t file, hid_t array, const std::string& name, int level) {
  if (level > kLevels) return name + " is virtual over more than " + std::to_string(kLevels) + " levels";
  const Handle creation(H5Dget_create_plist(array), H5Pclose);
  if (H5Pget_layout(creation) != H5D_VIRTUAL) {
    const std::string problem = filter_problem(creation, name);
    return problem.empty() ? external_problem(path, creation, name) : problem;
  }
  std::size_t count = 0;
  H5Pget_virtual_count(creation, &count);
  for (std::size_t i = 0; i < count; ++i)
    if (std::string problem = source_problem(path, file, creation, i, name, level); !problem.empty())
      return problem;
  return {};
}

}  // namespace

std::string problem_of(const std::string& path, const Array& array) {
  const Handle file(H5Iget_file_id(array.id), H5Fclose);
  return problem_at(path, file, array.id, array.name, 0);
}

}  // namespace flashphase::hdf5
