#include "tools/results_file.h"

#include <hdf5.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "tools/hdf5_handle.h"

namespace flashphase::tools {
namespace {

void check(herr_t status) {
  if (status < 0) throw std::runtime_error("HDF5 refused");
}

void write_array(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape,
                 const void* data) {
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  const Handle set(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
  check(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
}

/// A scalar string of the length it has.
struct TextType {
  Handle type{H5Tcopy(H5T_C_S1), H5Tclose};
  Handle space{H5Screate(H5S_SCALAR), H5Sclose};

  explicit TextType(const std::string& text) {
    check(H5Tset_size(type, std::max<std::size_t>(text.size(), 1)));
    check(H5Tset_cset(type, H5T_CSET_UTF8));
  }
};

void write_text(hid_t file, const char* name, const std::string& text) {
  const TextType kind(text);
  const Handle set(H5Dcreate2(file, name, kind.type, kind.space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   H5Dclose);
  check(H5Dwrite(set, kind.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()));
}

void write_attribute(hid_t file, const char* name, const std::string& text) {
  const TextType kind(text);
  const Handle attribute(H5Acreate2(file, name, kind.type, kind.space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(H5Awrite(attribute, kind.type, text.c_str()));
}

void write_all(const std::string& path, const ReconstructionResults& results) {
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  const Handle complex(H5Tcreate(H5T_COMPOUND, sizeof(std::complex<float>)), H5Tclose);
  check(H5Tinsert(complex, "r", 0, H5T_NATIVE_FLOAT));
  check(H5Tinsert(complex, "i", sizeof(float), H5T_NATIVE_FLOAT));
  const hsize_t count = static_cast<hsize_t>(results.count), size = static_cast<hsize_t>(results.size);
  write_array(file, "objects", complex, {count, size, size}, results.objects.data());
  write_array(file, "support", H5T_NATIVE_UINT8, {count, size, size}, results.support.data());
  write_array(file, "frames", H5T_NATIVE_INT, {count}, results.frames.data());
  const auto write_floats = [&](const char* name, const std::vector<float>& values,
                                const std::vector<hsize_t>& shape) {
    if (!values.empty()) write_array(file, name, H5T_NATIVE_FLOAT, shape, values.data());
  };
  write_floats("residual", results.residual, {count});
  write_floats("refined_residual", results.refined_residual, {count});
  write_floats("agreement", results.agreement, {count});
  write_floats("prtf", results.prtf, {count, static_cast<hsize_t>(results.rings)});
  write_floats("resolution", results.resolution, {count});
  write_floats("free_log_likelihood", results.free_log_likelihood, {count});
  write_floats("unwrapped_phase", results.unwrapped_phase, {count, size, size});
  if (!results.recipe.empty()) write_text(file, "recipe", results.recipe);
  write_attribute(file, "model", results.model);
  write_attribute(file, "schedule", results.schedule);
  if (!results.starts.empty()) write_attribute(file, "starts", results.starts);
}

}  // namespace

void write_results(const std::string& path, const ReconstructionResults& results) {
  const std::string part = path + ".part";
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  try {
    write_all(part, results);
    std::filesystem::rename(part, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    throw std::runtime_error("cannot write " + path + ": " + error.what());
  }
}

}  // namespace flashphase::tools
