#include "service/http/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/service/doubles.h"
#include "tests/service/http/http_client.h"

namespace flashphase::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_support::get;
using testing_support::HttpClient;
using testing_support::request;
using testing_support::talk;

class ServerTest : public testing::Test {
 protected:
  Server server_{"127.0.0.1", 0, [](const Request& request) -> Response {
                   const std::string_view target = request.target;
                   if (request.post)
                     return {200, "text/plain",
                             "POST " + std::string(target) + ": " + std::string(request.body) + ", " +
                                 std::string(request.content_type) +
                                 (request.from_loopback ? ", from this machine\n" : ", from elsewhere\n")};
                   if (target == "/throw") throw std::runtime_error("no luck");
                   if (target == "/missing") return {404, "text/plain", "no such page\n"};
                   return {200, "text/plain", "you asked for " + std::string(target) + "\n"};
                 }};
};

TEST_F(ServerTest, AnswersAGetWithBodyAndLength) {
  const std::string answer = get(server_.port(), "/page?x=1");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 24\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nyou asked for /page?x=1\n"));
}

TEST_F(ServerTest, AnswersAHeadWithoutBody) {
  const std::string answer = talk(server_.port(), request("HEAD", "/page"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 20\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("you asked")));
}

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  const std::string answer =
      talk(server_.port(), "GET /one HTTP/1.1\r\nHost: a\r\n\r\n" + request("GET", "/two"));
  EXPECT_THAT(answer, HasSubstr("you asked for /one\n"));
  EXPECT_THAT(answer, HasSubstr("you asked for /two\n"));
}

TEST_F(ServerTest, RefusesOtherMethods) {
  const std::string answer = talk(server_.port(), request("DELETE", "/page"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD, POST\r\n"));
}

TEST_F(ServerTest, GivesAPostWithItsBodyToTheHandler) {
  const std::string answer = talk(
      server_.port(),
      "POST /model HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nbody" +
          request("GET", "/after"));
  EXPECT_THAT(answer, HasSubstr("POST /model: body, application/json, from this machine\n"));
  EXPECT_THAT(answer, HasSubstr("you asked for /after\n"));
}

TEST(Server, AnswersOthersWhileAPostTakesItsTime) {
  testing_support::Gate gate;
  Server server("127.0.0.1", 0, [&](const Request& request) -> Response {
    if (request.post) gate.pass();
    return {200, "text/plain", "done\n"};
  });
  std::thread poster([&] {
    EXPECT_THAT(
        talk(server.port(), "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        HasSubstr("done\n"));
  });
  gate.wait_for_someone();
  EXPECT_THAT(get(server.port(), "/"), HasSubstr("done\n"));
  gate.open();
  poster.join();
}

TEST_F(ServerTest, PassesOnTheStatusOfTheHandler) {
  EXPECT_THAT(get(server_.port(), "/missing"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnInternalError) {
  EXPECT_THAT(get(server_.port(), "/throw"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AnswersGarbageWithBadRequestAndGoesOn) {
  for (const char* garbage : {"\x16\x03\x01 this is not HTTP\r\n\r\n", "GET /\r\n\r\n",
                              "PRI * HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"})
    EXPECT_THAT(talk(server_.port(), garbage), StartsWith("HTTP/1.1 400 ")) << garbage;
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesAHeaderWithoutEnd) {
  const std::string answer = talk(server_.port(), "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesALargeBody) {
  const std::string answer =
      talk(server_.port(), "GET / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 "));
}

constexpr std::size_t kPlaces = 64;

TEST_F(ServerTest, UnfinishedRequestsShutNobodyOut) {
  std::vector<HttpClient> unfinished;
  for (std::size_t i = 0; i < kPlaces; ++i)
    unfinished.emplace_back(server_.port()).send("GET / HTTP/1.1\r\nHost: ");
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(unfinished.front().receive_all(), "") << "the oldest makes room";
  unfinished.back().send("test\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(unfinished.back().receive_all(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, IdleBrowsersShutNobodyOut) {
  std::vector<HttpClient> browsers;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    browsers.emplace_back(server_.port()).send("GET /page HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_THAT(browsers.back().receive_until("/page\n"), StartsWith("HTTP/1.1 200 "));
  }
  browsers.front().send("GET /again HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_THAT(browsers.front().receive_until("/again\n"), StartsWith("HTTP/1.1 200 "));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(get(server_.port(), "/metrics"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(browsers[1].receive_all(), "") << "the one that has been idle longest makes room";
  browsers.front().send(request("GET", "/page"));
  EXPECT_THAT(browsers.front().receive_all(), StartsWith("HTTP/1.1 200 "));
}

TEST(ServerPatience, ARequestHasToBeThereSoon) {
  const Server server("127.0.0.1", 0, [](const Request&) { return Response{}; },
                      {.request = std::chrono::seconds(1), .idle = std::chrono::hours(1)});
  EXPECT_EQ(talk(server.port(), ""), "");
  EXPECT_EQ(talk(server.port(), "GET / HTTP/1.1\r\n"), "");
  HttpClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\nGET /half");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 200 "));
}

TEST(ServerPatience, AConnectionOnWhichNothingMoreComesIsClosed) {
  const Server server("127.0.0.1", 0, [](const Request&) { return Response{}; },
                      {.request = std::chrono::hours(1), .idle = std::chrono::milliseconds(1)});
  EXPECT_THAT(talk(server.port(), "GET / HTTP/1.1\r\nHost: test\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

/// The server's thread as Linux accounts for it.
class HttpThread {
 public:
  HttpThread() {
    while (status_ < 0) find();  // it takes its name when it runs
  }
  ~HttpThread() {
    ::close(status_);
    ::close(stat_);
  }
  HttpThread(const HttpThread&) = delete;
  HttpThread& operator=(const HttpThread&) = delete;

  /// How often it went to sleep.
  long slept() const {
    constexpr std::string_view kName = "\nvoluntary_ctxt_switches:";
    const std::string text = content(status_);
    return std::stol(text.substr(text.find(kName) + kName.size()));
  }

  /// Clock ticks that it was busy, a hundred in a second.
  long busy() const {
    const std::string text = content(stat_);
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return user + system;
  }

 private:
  void find() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::getline(std::ifstream(task.path() / "comm"), name);
      if (name != "http") continue;
      status_ = ::open((task.path() / "status").c_str(), O_RDONLY | O_CLOEXEC);
      stat_ = ::open((task.path() / "stat").c_str(), O_RDONLY | O_CLOEXEC);
    }
  }
  static std::string content(int file) {
    std::array<char, 8192> text{};
    EXPECT_GT(::pread(file, text.data(), text.size() - 1, 0), 0);
    return text.data();
  }
  int status_ = -1, stat_ = -1;
};

/// Takes all file descriptors that the process may still have.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = 128;
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int file = 0; (file = ::dup(STDERR_FILENO)) >= 0;) files_.push_back(file);
    EXPECT_EQ(errno, EMFILE);
  }
  ~NoDescriptors() {
    for (const int file : files_) ::close(file);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<int> files_;
};

TEST_F(ServerTest, WithoutDescriptorsItSleepsAndAnswersOnceThereAreSome) {
  const HttpThread thread;
  HttpClient client;
  {
    const NoDescriptors none;
    client.connect(server_.port());
    client.send(request("GET", "/page"));
    const long slept = thread.slept(), busy = thread.busy();
    while (thread.slept() < slept + 5) ASSERT_LT(thread.busy(), busy + 100) << "it keeps a core busy";
  }
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 200 "));
}

TEST(ServerPatience, WithoutDescriptorsAnIdleConnectionMakesRoom) {
  const Server server("127.0.0.1", 0, [](const Request&) { return Response{}; },
                      {.request = std::chrono::hours(1), .idle = std::chrono::hours(1)});
  HttpClient idle(server.port());
  idle.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_THAT(idle.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  HttpClient client;
  const NoDescriptors none;
  client.connect(server.port());
  client.send(request("GET", "/livez"));
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(idle.receive_all(), "");
}

TEST_F(ServerTest, APortInUseIsNamed) {
  try {
    Server second("127.0.0.1", server_.port(), [](const Request&) { return Response{}; });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), StartsWith("port: cannot listen on 127.0.0.1:"));
    EXPECT_THAT(error.what(), HasSubstr("Address already in use"));
  }
}

TEST_F(ServerTest, ABadAddressIsNamed) {
  try {
    Server second("localhost please", 0, [](const Request&) { return Response{}; });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), StartsWith("address: \"localhost please\" is not an IP address"));
  }
}

}  // namespace
}  // namespace flashphase::http
