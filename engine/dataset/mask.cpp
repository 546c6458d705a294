#include "engine/dataset/mask.h"

#include <algorithm>
#include <string>

namespace flashphase::hdf5 {
namespace {

constexpr long long kInsideSupport =
    0x10000;  // CXI_PIXEL_IS_IN_SUPPORT of CXI 1.6; says nothing against a pixel

/// The attribute `convention`, or what the file implies.
std::string convention_of(const InputFile& file, const Array& mask) {
  const Quiet quiet;
  if (H5Aexists(mask.id, "convention") <= 0) return file.has("/cxi_version") ? "cxi" : "measured";
  const Handle attribute(H5Aopen(mask.id, "convention", H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  std::string text;
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
    char* read = nullptr;
    if (H5Aread(attribute, type, &read) >= 0 && read != nullptr) text = read;
    H5free_memory(read);
  } else if (H5Tget_class(type) == H5T_STRING) {
    text.resize(H5Tget_size(type));
    if (H5Aread(attribute, type, text.data()) < 0) text.clear();
    text = text.substr(0, text.find('\0'));
  }
  if (text != "measured" && text != "cxi")
    file.fail(mask.name + ": its attribute convention must be 'measured' or 'cxi', not '" + text + "'");
  return text;
}

}  // namespace

std::vector<std::uint8_t> read_mask(const InputFile& file, const Array& mask, std::size_t first,
                                    std::size_t count) {
  if (!mask.is_integer() && !is_boolean(mask.type)) file.fail(mask.name + " must be integers, 1 = measured");
  const std::vector<long long> values = file.read_integers(mask, first, count);
  const bool cxi = convention_of(file, mask) == "cxi";
  std::vector<std::uint8_t> measured(values.size());
  std::ranges::transform(values, measured.begin(), [&](long long value) -> std::uint8_t {
    if (cxi) return (value & ~kInsideSupport) == 0;
    if (value != 0 && value != 1)
      file.fail(mask.name + " must hold 1 (measured) and 0 only, not " + std::to_string(value) +
                "; a mask of reasons with 0 = good, as in CXI, needs its attribute convention = 'cxi'");
    return value == 1;
  });
  return measured;
}

}  // namespace flashphase::hdf5
