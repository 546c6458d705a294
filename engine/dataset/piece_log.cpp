#include "engine/dataset/piece_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace flashphase {
namespace {

constexpr std::string_view kMagic = "flashphase-pieces 1\n";

/// Before each record.
struct Head {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

bool read_at(int file, std::size_t at, char* out, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::pread(file, out, bytes, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    at += static_cast<std::size_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

std::size_t size_of(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

}  // namespace

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

PieceLog::PieceLog(std::string path, const std::string& origin, Dataset like, std::size_t piece_rows,
                   std::size_t count, bool go_on)
    : path_(std::move(path)),
      like_(std::move(like)),
      file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (file_ < 0) cannot_write(path_, reason_of(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw std::invalid_argument("'" + path_ + "' is being written by another program");
  if (go_on && size_of(file_) > 0)
    keep_whole_pieces(origin, piece_rows, count);
  else
    begin(origin);
}

PieceLog::~PieceLog() {
  if (patterns_ == 0 && end_ > 0) ::unlink(path_.c_str());
}

void PieceLog::remove() {
  ::unlink(path_.c_str());
  end_ = 0;
}

void PieceLog::begin(const std::string& origin) {
  if (::ftruncate(file_, 0) != 0) cannot_write(path_, reason_of(errno));
  write(kMagic, origin);
  first_ = end_;
}

void PieceLog::write(std::string_view before, const std::string& record) {
  const Head head{record.size(), checksum(record)};
  std::string bytes(before);
  put(bytes, head);
  bytes += record;
  if (!write_all(file_, bytes)) {
    const int error = errno;
    (void)!::ftruncate(file_, static_cast<off_t>(end_));
    if (patterns_ == 0) ::unlink(path_.c_str());
    cannot_write(path_, reason_of(error));
  }
  end_ += bytes.size();
}

void PieceLog::append(const PackedPiece& piece) {
  std::string record;
  put(record, static_cast<std::uint64_t>(piece.like.count));
  for (const std::string& chunk : piece.chunks) {
    put(record, static_cast<std::uint64_t>(chunk.size()));
    record += chunk;
  }
  write({}, record);
  patterns_ += static_cast<std::size_t>(piece.like.count);
}

/// False when there is no whole one.
bool PieceLog::read_record(std::size_t at, std::string& record) const {
  std::array<char, sizeof(Head)> bytes{};
  Head head;
  const std::size_t size = size_of(file_);
  if (!read_at(file_, at, bytes.data(), bytes.size())) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.bytes > size - at - sizeof head) return false;
  record.resize(head.bytes);
  return read_at(file_, at + sizeof head, record.data(), record.size()) && checksum(record) == head.checksum;
}

/// Empty when the record is none.
PackedPiece PieceLog::piece_of(const std::string& record) const {
  PackedPiece piece{like_, {}};
  std::string_view left = record;
  std::uint64_t count = 0, bytes = 0;
  if (!take(left, count) || count > record.size()) return piece;
  while (take(left, bytes) && bytes <= left.size()) {
    piece.chunks.emplace_back(left.substr(0, bytes));
    left.remove_prefix(bytes);
  }
  piece.like.count = static_cast<int>(count);
  if (!left.empty() || piece.chunks.size() != chunk_count(like_, count)) piece.like.count = 0;
  return piece;
}

void PieceLog::keep_whole_pieces(const std::string& origin, std::size_t piece_rows, std::size_t count) {
  std::string magic(kMagic.size(), '\0'), record;
  if (!read_at(file_, 0, magic.data(), magic.size()) || magic != kMagic ||
      !read_record(kMagic.size(), record))
    throw std::invalid_argument("'" + path_ +
                                "' is not what an unfinished run leaves; remove it, or begin anew with "
                                "--overwrite");
  if (record != origin)
    throw std::invalid_argument("'" + path_ +
                                "' holds patterns of another recipe, seed or version of the program: go on "
                                "with the same, or begin anew with --overwrite");
  first_ = end_ = kMagic.size() + sizeof(Head) + record.size();
  while (patterns_ < count && read_record(end_, record)) {
    const auto made = static_cast<std::size_t>(piece_of(record).like.count);
    if (made != std::min(piece_rows, count - patterns_)) break;
    patterns_ += made;
    end_ += sizeof(Head) + record.size();
  }
  if (::ftruncate(file_, static_cast<off_t>(end_)) != 0) cannot_write(path_, reason_of(errno));
}

void PieceLog::copy_to(DatasetWriter& writer) const {
  std::string record;
  for (std::size_t at = first_; at < end_; at += sizeof(Head) + record.size()) {
    if (!read_record(at, record)) throw std::runtime_error("'" + path_ + "' cannot be read again");
    writer.append(piece_of(record));
  }
}

}  // namespace flashphase
