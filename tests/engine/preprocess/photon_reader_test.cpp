#include "engine/preprocess/photon_reader.h"

#include <gmock/gmock.h>
#include <lz4.h>

#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

namespace flashphase::preprocess {
namespace {

using testing::Each;
using testing::ElementsAre;

/// 10 x 10 uint16, pixel [y, x] = 100 y + x, by bitshuffle 0.3.5 (compress_lz4 with blocks of 32 elements and
/// the header of the HDF5 filter).
constexpr std::uint8_t kBitshuffled[] = {
    0,   0,   0,   0,   0,   0,   0,   200, 0,   0,   0,   64,  0,   0,   0,   48,  255, 22,  170, 170,
    170, 170, 204, 48,  195, 12,  240, 60,  12,  207, 0,   195, 255, 207, 0,   0,   0,   48,  0,   252,
    15,  192, 0,   252, 255, 63,  0,   0,   240, 63,  0,   0,   0,   192, 0,   1,   0,   3,   80,  0,
    0,   0,   0,   0,   0,   0,   0,   51,  254, 26,  170, 170, 170, 170, 51,  204, 48,  195, 195, 240,
    60,  12,  3,   0,   195, 255, 252, 255, 255, 255, 255, 0,   252, 15,  0,   0,   252, 255, 0,   255,
    255, 15,  255, 255, 255, 15,  0,   0,   0,   240, 0,   1,   0,   80,  0,   0,   0,   0,   0,   0,
    0,   0,   49,  241, 20,  170, 170, 170, 170, 12,  51,  204, 48,  207, 195, 240, 60,  207, 3,   0,
    195, 207, 3,   0,   0,   240, 3,   255, 3,   63,  252, 0,   0,   192, 255, 0,   252, 0,   0,   255,
    1,   0,   30,  0,   1,   0,   80,  0,   0,   0,   0,   0,   138, 3,   139, 3,   140, 3,   141, 3};

std::vector<std::uint16_t> expected_pixels(int size = 10) {
  std::vector<std::uint16_t> pixels;
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) pixels.push_back(static_cast<std::uint16_t>(100 * y + x));
  return pixels;
}

Frame frame_of(std::span<const std::byte> data, Codec codec = Codec::none, int size = 10) {
  Frame frame;
  frame.pixels = {
      .type = PixelType::u16, .height = size, .width = size, .codec = codec, .data = data, .storage = {}};
  return frame;
}

std::vector<std::byte> lz4(std::span<const std::byte> bytes) {
  std::vector<std::byte> block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(bytes.size()))));
  block.resize(static_cast<std::size_t>(
      LZ4_compress_default(reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(block.data()),
                           static_cast<int>(bytes.size()), static_cast<int>(block.size()))));
  return block;
}

struct Row {
  std::vector<float> photons;
  std::vector<std::uint8_t> measured;
};

Row row_of(const PhotonReader& reader, int y) {
  const auto width = static_cast<std::size_t>(reader.width());
  Row row{std::vector<float>(width, -1.0f), std::vector<std::uint8_t>(width, 9)};
  reader.read({y, 0, reader.width()}, row.photons.data(), row.measured.data());
  return row;
}

std::vector<float> photons_of(PhotonReader& reader, int first, int last) {
  EXPECT_EQ(reader.open(first, last), std::nullopt);
  std::vector<float> all;
  for (int y = first; y < last; ++y) {
    const auto row = row_of(reader, y).photons;
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

void expect_all_rows(const Frame& frame) {
  const auto pixels = expected_pixels(frame.pixels.height);
  const std::vector<float> expected(pixels.begin(), pixels.end());
  const int height = frame.pixels.height;
  for (int first = 0; first < height; ++first)
    for (int last = first + 1; last <= height; ++last) {
      PhotonReader reader(frame, {}, {});
      const auto rows = photons_of(reader, first, last);
      EXPECT_TRUE(std::ranges::equal(
          rows, std::span(expected).subspan(static_cast<std::size_t>(first * height), rows.size())))
          << first << " to " << last;
      EXPECT_EQ(photons_of(reader, 0, height), expected) << "after " << first << " to " << last;
    }
}

TEST(PhotonReader, ReadsWhatIsNotPackedWhereItLies) {
  const auto pixels = expected_pixels();
  expect_all_rows(frame_of(std::as_bytes(std::span(pixels))));
}

TEST(PhotonReader, UnpacksLz4UpToTheRowsThatAreRead) {
  const auto pixels = expected_pixels();
  const auto packed = lz4(std::as_bytes(std::span(pixels)));
  expect_all_rows(frame_of(packed, Codec::lz4));
}

TEST(PhotonReader, UnpacksTheBlocksThatBitshuffleWroteForTheRowsThatAreRead) {
  expect_all_rows(frame_of(std::as_bytes(std::span(kBitshuffled)), Codec::bslz4));
  std::vector<std::uint8_t> damaged(std::begin(kBitshuffled), std::end(kBitshuffled));
  std::fill_n(damaged.begin() + 16, 48, std::uint8_t{0xff});  // of the first block, 32 pixels
  const Frame frame = frame_of(std::as_bytes(std::span(damaged)), Codec::bslz4);
  EXPECT_EQ(PhotonReader(frame, {}, {}).open(0, 1), Rejection::bad_pixels);
  PhotonReader later(frame, {}, {});
  EXPECT_EQ(later.open(4, 6), std::nullopt) << "the first block is stepped over";
  EXPECT_THAT(row_of(later, 5).photons, ElementsAre(500, 501, 502, 503, 504, 505, 506, 507, 508, 509));
}

TEST(PhotonReader, RejectsPackedPixelsThatLieAboutTheirSize) {
  const auto pixels = expected_pixels();
  const auto bytes = std::as_bytes(std::span(pixels));
  for (const std::size_t size : {bytes.size() - 2, bytes.size() / 2}) {
    const auto packed = lz4(bytes.first(size));
    EXPECT_EQ(PhotonReader(frame_of(packed, Codec::lz4), {}, {}).open(), Rejection::bad_pixels);
  }
  const auto whole = lz4(bytes);
  EXPECT_EQ(PhotonReader(frame_of(whole, Codec::lz4, 9), {}, {}).open(), Rejection::bad_pixels)
      << "more than 9 x 9";
  const std::span shuffled = std::as_bytes(std::span(kBitshuffled));
  EXPECT_EQ(PhotonReader(frame_of(shuffled, Codec::bslz4, 9), {}, {}).open(), Rejection::bad_pixels);
  for (std::size_t size = 0; size < shuffled.size(); ++size)
    EXPECT_EQ(PhotonReader(frame_of(shuffled.first(size), Codec::bslz4), {}, {}).open(),
              Rejection::bad_pixels);
}

TEST(PhotonReader, RejectsWhatNoCodecCanPackIntoSoFewBytesWithoutUnpacking) {
  const std::vector<std::byte> few(40);
  for (const Codec codec : {Codec::lz4, Codec::bslz4}) {
    EXPECT_EQ(problem_of(frame_of(few, codec, 4096).pixels), Rejection::bad_pixels);
    EXPECT_EQ(problem_of(frame_of(few, codec, 16).pixels), std::nullopt);
    EXPECT_EQ(problem_of(frame_of({}, codec).pixels), Rejection::bad_pixels);
  }
  EXPECT_EQ(problem_of(frame_of(few, static_cast<Codec>(9)).pixels), Rejection::bad_pixels);
}

TEST(PhotonReader, SurvivesDamagedBitshuffle) {
  std::vector<std::uint8_t> bytes(std::begin(kBitshuffled), std::end(kBitshuffled));
  int whole = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (const int change : {1, 0x80, 0xff}) {
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ change);
      const Frame frame = frame_of(std::as_bytes(std::span(bytes)), Codec::bslz4);
      if (PhotonReader reader(frame, {}, {}); !reader.open()) whole += !row_of(reader, 9).photons.empty();
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ change);
    }
  EXPECT_GT(whole, 0) << "a changed pixel is still a pixel";
}

TEST(PhotonReader, AssemblesModulesAndMeasuresNoGaps) {
  const auto pixels = expected_pixels(4);
  Frame frame = frame_of(std::as_bytes(std::span(pixels)), Codec::none, 4);
  // The lower half upside down on top, its columns mirrored; the first two pixels of memory last; a gap
  // between.
  frame.pixels.layout = std::make_shared<Layout>(
      4, 4,
      std::vector<Module>{{.height = 2, .width = 4, .offset = 15, .stride_y = -4, .stride_x = -1},
                          {.y = 3, .x = 1, .height = 1, .width = 2, .offset = 0}});
  for (const bool packed : {false, true}) {
    const auto block = lz4(std::as_bytes(std::span(pixels)));
    if (packed) frame.pixels.codec = Codec::lz4, frame.pixels.data = block;
    PhotonReader reader(frame, {}, {});
    ASSERT_EQ(reader.open(), std::nullopt);
    EXPECT_THAT(row_of(reader, 0).photons, ElementsAre(303, 302, 301, 300));
    EXPECT_THAT(row_of(reader, 1).photons, ElementsAre(203, 202, 201, 200));
    EXPECT_THAT(row_of(reader, 2).measured, Each(0));
    EXPECT_THAT(row_of(reader, 3).photons, ElementsAre(0, 0, 1, 0));
    EXPECT_THAT(row_of(reader, 3).measured, ElementsAre(0, 1, 1, 0));
    EXPECT_EQ(reader.brighter(0, 301.5f), 2);
    EXPECT_EQ(reader.brighter(3, -1), 2) << "of the gap nothing is brighter";
    EXPECT_EQ(share_of_marks(frame, {}), 0) << "a gap is no mark";
  }
}

TEST(PhotonReader, RejectsALayoutBeyondTheStorageOrOfAnotherShape) {
  const auto pixels = expected_pixels(4);
  Frame frame = frame_of(std::as_bytes(std::span(pixels)), Codec::none, 4);
  frame.pixels.layout = std::make_shared<Layout>(
      4, 4, std::vector<Module>{{.height = 4, .width = 4, .offset = 1, .stride_y = 4}});
  EXPECT_EQ(problem_of(frame.pixels), Rejection::bad_pixels);
  frame.pixels.layout =
      std::make_shared<Layout>(4, 5, std::vector<Module>{{.height = 4, .width = 4, .stride_y = 4}});
  EXPECT_EQ(problem_of(frame.pixels), Rejection::wrong_shape);
}

TEST(PhotonReader, TakesTheMaskOfTheFrameAndWhatItsStreamSays) {
  const auto pixels = expected_pixels(2);  // 0 1 100 101
  Frame frame = frame_of(std::as_bytes(std::span(pixels)), Codec::none, 2);
  const std::vector<std::uint8_t> mask{1, 0, 1, 1};
  frame.pixels.mask = mask;
  frame.pixels.constants =
      std::make_shared<Calibration>(Calibration{2, 2, {1, 1, 1, 0}, {0, 0, 50, 0}, {1, 1, 2, 1}});
  PhotonReader reader(frame, {}, {});
  ASSERT_EQ(reader.open(), std::nullopt);
  EXPECT_THAT(row_of(reader, 0).measured, ElementsAre(1, 0));
  EXPECT_THAT(row_of(reader, 1).measured, ElementsAre(1, 0));
  EXPECT_THAT(row_of(reader, 1).photons, ElementsAre(100, 0));
  EXPECT_EQ(reader.brighter(1, 99), 1);

  const Calibration own{2, 2, {0, 1, 1, 1}, {0, 0, 90, 0}, {1, 1, 3, 1}};
  PhotonReader with_own(frame, own, {});
  ASSERT_EQ(with_own.open(), std::nullopt);
  EXPECT_THAT(row_of(with_own, 0).measured, Each(0));
  EXPECT_THAT(row_of(with_own, 1).photons, ElementsAre(30, 0)) << "the calibration's dark and gain";

  frame.pixels.mask = std::span(mask).first(3);
  EXPECT_EQ(problem_of(frame.pixels), Rejection::bad_pixels);
  frame.pixels.mask = {};
  frame.pixels.constants = std::make_shared<Calibration>(Calibration{2, 3, {1, 1, 1, 1, 1, 1}, {}, {}});
  EXPECT_EQ(problem_of(frame.pixels), Rejection::wrong_shape);
}

/// Values about the ends of the type, about zero and about the limits, in rows longer than any vector.
template <class T>
void expect_brighter_counts_what_read_says(PixelType type) {
  constexpr int kWidth = 5000;
  std::vector<T> pixels(2 * kWidth);
  std::uint32_t random = 1;
  for (T& pixel : pixels) {
    random = random * 1664525u + 1013904223u;
    const int kind = static_cast<int>(random >> 29);
    const auto small = static_cast<T>(static_cast<int>(random >> 8 & 31) - (std::is_signed_v<T> ? 8 : 0));
    pixel = kind == 0   ? std::numeric_limits<T>::max()
            : kind == 1 ? std::numeric_limits<T>::lowest()
            : kind == 2 ? static_cast<T>(std::numeric_limits<T>::max() - static_cast<T>(random >> 8 & 31))
                        : small;
  }
  std::vector<std::uint8_t> mask(pixels.size());
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 != 0;
  Frame frame;
  frame.pixels = {
      .type = type, .height = 2, .width = kWidth, .data = std::as_bytes(std::span(pixels)), .storage = {}};
  const RawLimits limits[] = {{},
                              {.saturation = 0.0f},
                              {.invalid_below = 2.5f, .saturation = 11.5f},
                              {.invalid_below = -5.0f, .saturation = 7.0f},
                              {.invalid_below = 9.0f, .saturation = 3.0f}};
  for (const auto& limit : limits)
    for (const float threshold : {-3.0f, -0.5f, 0.0f, 0.5f, 3.0f, 3.2f, 70000.0f})
      for (const bool masked : {false, true}) {
        frame.pixels.mask = masked ? std::span<const std::uint8_t>(mask) : std::span<const std::uint8_t>();
        PhotonReader reader(frame, {}, limit);
        ASSERT_EQ(reader.open(), std::nullopt);
        const Row row = row_of(reader, 1);
        int lit = 0;
        for (std::size_t x = 0; x < row.photons.size(); ++x)
          lit += row.measured[x] != 0 && row.photons[x] > threshold;
        EXPECT_EQ(reader.brighter(1, threshold), lit) << "threshold " << threshold << ", masked " << masked;
      }
}

TEST(PhotonReader, CountsBrighterPixelsAsItReadsThem) {
  expect_brighter_counts_what_read_says<std::uint8_t>(PixelType::u8);
  expect_brighter_counts_what_read_says<std::uint16_t>(PixelType::u16);
  expect_brighter_counts_what_read_says<std::uint32_t>(PixelType::u32);
  expect_brighter_counts_what_read_says<std::int16_t>(PixelType::i16);
  expect_brighter_counts_what_read_says<std::int32_t>(PixelType::i32);
  expect_brighter_counts_what_read_says<float>(PixelType::f32);
  expect_brighter_counts_what_read_says<double>(PixelType::f64);
}

TEST(PhotonReader, TellsWhatAFrameHoldsOfMemory) {
  const std::vector<std::byte> data(40);
  const std::vector<std::uint8_t> mask(100);
  Frame frame = frame_of(data, Codec::lz4);
  frame.pixels.mask = mask;
  EXPECT_EQ(frame.pixels.bytes(), 140u);
  EXPECT_EQ(frame.pixels.unpacked_bytes(), 200u);
}

}  // namespace
}  // namespace flashphase::preprocess
