#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace flashphase::tools {

/// A program run beside this one, its output and errors written to `log`. Killed on destruction if it still
/// runs. Thread: one.
class ChildProcess {
 public:
  /// Throws std::runtime_error naming the program when it cannot be started.
  ChildProcess(const std::vector<std::string>& command, std::string log);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void terminate() const;  ///< SIGTERM
  /// The exit code (128 + signal when killed), or nothing while it still runs after `timeout`.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  std::string output() const;
  /// What it holds of memory, bytes; 0 once it has ended.
  std::size_t resident_bytes() const;

 private:
  pid_t pid_ = -1;
  std::string log_;
  std::optional<int> exit_code_;
};

/// A TCP port of the loopback interface that was free a moment ago.
int free_port();

/// The body of GET http://127.0.0.1:port/path; nothing when nobody answers or the status is not 200.
std::optional<std::string> http_get(int port, const std::string& path);
/// The same of a POST of JSON, which may take two minutes.
std::optional<std::string> http_post(int port, const std::string& path, const std::string& json);

}  // namespace flashphase::tools
