#include "trainer/event_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/temporary_folder.h"

namespace flashphase::trainer {
namespace {

namespace fs = std::filesystem;

TEST(Crc32c, GivesTheValuesOfTheStandards) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);  // there too
  EXPECT_EQ(crc32c(""), 0u);
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The records of a file, whose lengths alone are looked at.
std::vector<std::string> records(std::string_view bytes) {
  std::vector<std::string> found;
  while (bytes.size() >= 16) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    found.emplace_back(bytes.substr(12, length));
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 16 + length));
  }
  EXPECT_TRUE(bytes.empty());
  return found;
}

TEST(EventFile, HoldsVersionStartAndScalarsByteForByte) {
  const TemporaryFolder folder;
  const std::string within = folder / "a/b";
  {
    EventFile file(within, 8);
    file.add(300, {{"loss", 0.5}});
  }
  const auto path = fs::directory_iterator(within)->path();
  EXPECT_TRUE(path.filename().string().starts_with("events.out.tfevents."));
  const auto events = records(content(path));
  ASSERT_EQ(events.size(), 3u);
  using namespace std::string_literals;
  // Behind the wall time, whose field takes nine bytes.
  EXPECT_EQ(events[0].substr(9), "\x10\x00\x1a\x0d"s + "brain.Event:2");
  EXPECT_EQ(events[1].substr(9), "\x10\x08\x3a\x02\x08\x01"s);
  EXPECT_EQ(events[2].substr(9), "\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x00\x3f"s);
}

TEST(EventFile, LeavesOlderFilesOfTheFolderAlone) {
  const TemporaryFolder folder;
  const std::string path = folder / "runs";
  for (int i = 0; i < 3; ++i) EventFile(path, 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(path), {}), 3);
}

TEST(EventFile, RefusesAFolderThatCannotBe) {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_THROW(EventFile(folder / "file", 1), std::invalid_argument);
  EXPECT_THROW(EventFile("/proc/runs", 1), std::invalid_argument);
}

}  // namespace
}  // namespace flashphase::trainer
