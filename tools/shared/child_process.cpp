#include "tools/shared/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace flashphase::tools {

using boost::asio::ip::tcp;

ChildProcess::ChildProcess(const std::vector<std::string>& command, std::string log) : log_(std::move(log)) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = posix_spawn(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw std::runtime_error("cannot start " + command[0] + ": " + std::generic_category().message(error));
}

ChildProcess::~ChildProcess() {
  if (exit_code_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::terminate() const {
  if (!exit_code_) ::kill(pid_, SIGTERM);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kPoll{5};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!exit_code_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_)
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    else if (std::chrono::steady_clock::now() >= deadline)
      return std::nullopt;
    else
      std::this_thread::sleep_for(kPoll);
  }
  return exit_code_;
}

std::string ChildProcess::output() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t ChildProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

int free_port() {
  boost::asio::io_context context;
  return tcp::acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0))
      .local_endpoint()
      .port();
}

namespace {

/// `what`: method and path, then further header fields and the body.
std::optional<std::string> http_ask(int port, const std::string& what, const std::string& more,
                                    std::chrono::seconds patience) {
  tcp::iostream stream;
  stream.expires_after(patience);
  stream.connect("127.0.0.1", std::to_string(port));
  stream << what << " HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n" << more << std::flush;
  std::string version, line;
  int status = 0;
  stream >> version >> status;
  if (!stream || status != 200) return std::nullopt;
  while (std::getline(stream, line) && line != "\r") {
  }
  if (line != "\r" && !std::getline(stream, line)) return std::nullopt;
  std::ostringstream body;
  body << stream.rdbuf();
  return body.str();
}

}  // namespace

std::optional<std::string> http_get(int port, const std::string& path) {
  return http_ask(port, "GET " + path, "\r\n", std::chrono::seconds(2));
}

std::optional<std::string> http_post(int port, const std::string& path, const std::string& json) {
  const std::string length = "Content-Length: " + std::to_string(json.size()) + "\r\n";
  return http_ask(port, "POST " + path, "Content-Type: application/json\r\n" + length + "\r\n" + json,
                  std::chrono::minutes(2));
}

}  // namespace flashphase::tools
