#pragma once

#include <string>
#include <string_view>

// What the writers of files share.
namespace flashphase {

/// A file descriptor that is closed.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return number_; }

 private:
  int number_;
};

/// Whether the file took all of it; else errno says why not.
bool write_all(int descriptor, std::string_view bytes);

/// What errno `error` means for a file that is written.
std::string reason_of(int error);

/// Throws std::runtime_error: "cannot write 'path': why".
[[noreturn]] void cannot_write(const std::string& path, const std::string& why);

}  // namespace flashphase
