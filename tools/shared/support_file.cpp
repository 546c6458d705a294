#include "tools/shared/support_file.h"

#include <algorithm>
#include <stdexcept>

namespace flashphase::tools {
namespace {

[[noreturn]] void misfit(const hdf5::InputFile& file, const std::string& what) {
  throw std::invalid_argument("support '" + file.path() + "': /support " + what);
}

}  // namespace

SupportFile::SupportFile(const std::string& path, std::size_t frames, int size) : file_("support", path) {
  support_ = file_.open("/support");
  const auto n = static_cast<hsize_t>(size);
  const std::vector<hsize_t> common{n, n}, each{frames, n, n};
  if (support_.shape != common && support_.shape != each)
    misfit(file_, "must have the shape " + hdf5::text_of(common) + " or " + hdf5::text_of(each) + ", not " +
                      hdf5::text_of(support_.shape));
  if (!support_.is_integer() && !hdf5::is_boolean(support_.type))
    misfit(file_, "must hold integers or booleans, not 0 = inside");
  per_frame_ = support_.shape.size() == 3;
  if (!per_frame_) common_ = read(0);
}

std::vector<std::uint8_t> SupportFile::read(std::size_t first) const {
  const std::vector<long long> values =
      file_.read_integers(support_, first, per_frame_ ? 1 : support_.shape[0]);
  std::vector<std::uint8_t> inside(values.size());
  std::ranges::transform(values, inside.begin(), [](long long value) -> std::uint8_t { return value != 0; });
  if (std::ranges::count(inside, 1) == 0)
    misfit(file_, per_frame_ ? "is empty for frame " + std::to_string(first) : "is empty");
  return inside;
}

std::vector<std::uint8_t> SupportFile::of(std::span<const int> frames) const {
  std::vector<std::uint8_t> inside;
  for (const int frame : frames) {
    const auto one = per_frame_ ? read(static_cast<std::size_t>(frame)) : common_;
    inside.insert(inside.end(), one.begin(), one.end());
  }
  return inside;
}

}  // namespace flashphase::tools
