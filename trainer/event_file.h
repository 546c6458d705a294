#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashphase::trainer {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of the bytes.
std::uint32_t crc32c(std::string_view bytes);

/// A file of scalars that TensorBoard reads: TFRecords of Event messages (tensorflow/core/util/event.proto).
/// A record is length (uint64), masked CRC of the length, bytes, masked CRC of the bytes, little endian; the
/// mask of c is (c rotated right by 15) + 0xa282ead8.
///
/// Thread: one.
class EventFile {
 public:
  /// A new file in the folder, which is made where it is missing; `first_step`: what TensorBoard knows of
  /// this and later steps from older files of the folder no longer counts. Throws std::invalid_argument when
  /// it cannot be had.
  EventFile(const std::string& folder, std::uint64_t first_step);

  /// On the disk when it returns, as far as the process is concerned. Throws std::runtime_error.
  void add(std::uint64_t step, const std::vector<std::pair<std::string, double>>& scalars);

 private:
  void write(std::string_view event);

  std::string path_;
  std::ofstream file_;
};

}  // namespace flashphase::trainer
