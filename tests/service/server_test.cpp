#include "service/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/service/http_client.h"

namespace flashphase::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_support::get;
using testing_support::request;
using testing_support::talk;

class ServerTest : public testing::Test {
 protected:
  Server server_{"127.0.0.1", 0, [](std::string_view target) -> Response {
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
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(ServerTest, PassesOnTheStatusOfTheHandler) {
  EXPECT_THAT(get(server_.port(), "/missing"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ServerTest, AHandlerThatThrowsIsAnInternalError) {
  EXPECT_THAT(get(server_.port(), "/throw"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, ClosesOnGarbageAndGoesOn) {
  talk(server_.port(), "\x16\x03\x01 this is not HTTP\r\n\r\n");
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesAHeaderWithoutEnd) {
  const std::string answer =
      talk(server_.port(), "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("200 OK")));
  EXPECT_THAT(get(server_.port(), "/page"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesALargeBody) {
  const std::string answer =
      talk(server_.port(), "GET / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
  EXPECT_THAT(answer, Not(HasSubstr("200 OK")));
}

TEST_F(ServerTest, APortInUseIsNamed) {
  try {
    Server second("127.0.0.1", server_.port(), [](std::string_view) { return Response{}; });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), StartsWith("port: cannot listen on 127.0.0.1:"));
    EXPECT_THAT(error.what(), HasSubstr("Address already in use"));
  }
}

TEST_F(ServerTest, ABadAddressIsNamed) {
  try {
    Server second("localhost please", 0, [](std::string_view) { return Response{}; });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), StartsWith("address: \"localhost please\" is not an IP address"));
  }
}

}  // namespace
}  // namespace flashphase::http
