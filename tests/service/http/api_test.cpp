#include "service/http/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/publish/live_view.h"
#include "tests/service/pipeline/pipeline_fixture.h"

namespace flashphase::http {
namespace {

using service::Networks;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing_support::FakeSolver;
using testing_support::PipelineTest;
using testing_support::some_frame;

class ApiTest : public PipelineTest {
 protected:
  void run() {
    stages.sinks.push_back(live_view_);
    build();
    api_ = std::make_unique<Api>(Api::Watched{*pipeline, metrics, *live_view_, registry, "cafe",
                                              [this](const std::string& path) { replace_model(path); }});
  }

  /// The same intensity everywhere, `corner` at [0, 0].
  void feed_flat(std::uint64_t sequence, float corner) {
    Frame frame = some_frame(sequence);
    auto pixels = std::make_shared<std::vector<float>>(frame.pixels.data.size() / sizeof(float), 0.01f);
    pixels->at(0) = corner;
    frame.pixels.data = std::as_bytes(std::span(*pixels));
    frame.pixels.storage = pixels;
    source->add(frame);
  }

  Response ask(const std::string& target) { return (*api_)({.target = target}); }

  Response post(const std::string& body, const std::string& type = "application/json", bool loopback = true) {
    return (*api_)({.target = "/api/v1/model",
                    .post = true,
                    .content_type = type,
                    .body = body,
                    .from_loopback = loopback});
  }

  void replace_model(const std::string& path) {
    if (path != "/models/other") throw std::runtime_error("there is no such file");
    Networks networks;
    networks.workers.push_back(std::make_unique<testing_support::FakeNetwork>([](int) {}, "other"));
    pipeline->replace_model(std::move(networks));
  }

  std::shared_ptr<publish::LiveView> live_view_ = std::make_shared<publish::LiveView>();
  std::unique_ptr<Api> api_;
};

TEST_F(ApiTest, TheStatusHasTheKeysThatOthersRelyOn) {
  run();
  source->add(ingest::Rejected{Rejection::bad_message});
  feed(3);
  drain();
  const std::string status = ask("/api/v1/status").body;
  for (const char* part :
       {R"("state":"stopped")", R"("accounted":true)", R"("received":4)", R"("published":3)",
        R"("rejected":{"bad_message":1,)", R"("dropped":{"ingest":{"queue_full":0,"failed":0})",
        R"("in_flight":0)", R"("refined":0)", R"("frames_per_second":)", R"("latency_milliseconds":{"p50":)",
        R"("p99":)", R"("residual":{"p50":)", R"("model":{"name":"fake")", R"("config_hash":"cafe")",
        R"("uptime_seconds":)"})
    EXPECT_THAT(status, HasSubstr(part));
}

TEST_F(ApiTest, AResultSaysWhatSpeaksAgainstItAndOfPatternsInDomainThereIsNoHint) {
  run();
  feed_flat(0, 0.01f);
  drain();
  EXPECT_THAT(ask("/api/v1/latest").body, HasSubstr(R"("in_domain":true,)"));
  EXPECT_THAT(ask("/api/v1/latest").body,
              HasSubstr(R"("remarks":{"wide_support":"its support fills over 80 % of the square"})"));
  EXPECT_THAT(ask("/api/v1/status").body, Not(HasSubstr("hint")));
}

TEST_F(ApiTest, PatternsThatWereNotShiftedGetAHint) {
  run();
  feed(1);
  for (std::uint64_t i = 1; i < 5; ++i) feed_flat(i, 100);
  drain();
  EXPECT_THAT(ask("/api/v1/latest").body, HasSubstr(R"("in_domain":false,)"));
  EXPECT_THAT(ask("/api/v1/latest").body, HasSubstr(R"("remarks":{"unshifted":"brightest in the corners, )"));
  EXPECT_THAT(
      ask("/api/v1/status").body,
      HasSubstr("\"hint\":\"4 of 5 patterns: brightest in the corners, zero of Q belongs in the middle"));
}

TEST_F(ApiTest, TheStatusIsNotAccountedWhileFramesAreInside) {
  testing_support::Gate gate;
  stages.networks.workers.push_back(
      std::make_unique<testing_support::FakeNetwork>([&](int) { gate.pass(); }));
  run();
  feed(3);
  source->wait_until_taken();
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("accounted":false)"));
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("in_flight":3)"));
  gate.open();
  drain();
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("accounted":true)"));
}

TEST_F(ApiTest, TheLatestResultComesWithItsPattern) {
  run();
  EXPECT_EQ(ask("/api/v1/latest").status, 204) << "nothing yet";
  feed(2);
  drain();
  const Response latest = ask("/api/v1/latest");
  EXPECT_EQ(latest.status, 200);
  EXPECT_THAT(
      latest.body,
      StartsWith(
          R"({"number":2,"pattern":{"source":"fake","run":"1","train":"1","pulse":"0","sequence":"1",)"));
  EXPECT_THAT(latest.body, HasSubstr(R"("inferred":{"size":8,)"));
  EXPECT_EQ(ask("/api/v1/latest?after=2").status, 204) << "nothing newer";
  EXPECT_EQ(ask("/api/v1/latest?after=1").status, 200);
  EXPECT_EQ(ask("/api/v1/latest?after=rubbish").status, 200);
}

TEST_F(ApiTest, LargeIdsKeepAllTheirDigits) {
  run();
  Frame frame = some_frame(18446744073709551615u, 9223372036854775809u);
  frame.id.train = 9007199254740993u;
  source->add(std::move(frame));
  drain();
  EXPECT_THAT(ask("/api/v1/latest").body,
              HasSubstr(R"("run":"9223372036854775809","train":"9007199254740993","pulse":"0",)"
                        R"("sequence":"18446744073709551615",)"));
}

TEST_F(ApiTest, TheLatestRefinedResultIsBesideIt) {
  config.refine_policy = service::RefinePolicy::all;
  stages.solvers.push_back(std::make_unique<FakeSolver>());
  run();
  feed(1);
  drain();
  EXPECT_THAT(ask("/api/v1/latest").body, HasSubstr(R"("refined":{"pattern":{)"));
}

TEST_F(ApiTest, ReadyWhileItTakesFramesAndNotAfterwards) {
  run();
  EXPECT_EQ(ask("/livez").status, 200);
  EXPECT_EQ(ask("/readyz").status, 200);
  EXPECT_EQ(ask("/readyz").body, "ready\n");
  pipeline->stop();
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/livez").status, 200);
}

TEST_F(ApiTest, NotReadyWhileARunIsOpenAndNoSenderConnected) {
  run();
  source->add(ingest::PeerChange{.connected = true});
  source->add(ingest::RunBegin{.source = "fake", .run = 1, .expected_frames = 5});
  source->wait_until_taken();
  EXPECT_EQ(ask("/readyz").status, 200);
  EXPECT_THAT(ask("/api/v1/status").body,
              HasSubstr(R"("sources":{"fake":{"peers":1,"disconnects":0,"run_open":true)"));
  source->add(ingest::PeerChange{.connected = false});
  source->wait_until_taken();
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/readyz").body,
            "running: no sender is connected to source \"fake\" while its run is open\n");
  source->add(ingest::RunEnd{.source = "fake", .run = 1, .sent_frames = 0});
  source->wait_until_taken();
  EXPECT_EQ(ask("/readyz").status, 200) << "between runs nobody need be there";
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("missing":5)"));
}

TEST_F(ApiTest, AFailureIsInTheStatusAndMakesItUnready) {
  run();
  source->break_down();
  wait_for_failure();
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("failure":"ingest: the source broke")"));
}

TEST_F(ApiTest, TheMetricsAreInPrometheusText) {
  run();
  feed(5);
  drain();
  const Response metrics_page = ask("/metrics");
  EXPECT_THAT(metrics_page.content_type, StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics_page.body, HasSubstr("flashphase_frames_received_total{source=\"fake\"} 5\n"));
  EXPECT_THAT(metrics_page.body, HasSubstr("flashphase_state{state=\"stopped\"} 1\n"));
}

TEST_F(ApiTest, ServesTheViewerWithAllItsFiles) {
  run();
  EXPECT_THAT(ask("/").content_type, StartsWith("text/html"));
  EXPECT_THAT(ask("/").body, HasSubstr("viewer.js"));
  EXPECT_THAT(ask("/").body, HasSubstr("viewer.css"));
  EXPECT_THAT(ask("/viewer.js").body, HasSubstr("api/v1/latest"));
  EXPECT_EQ(ask("/viewer.css").status, 200);
}

TEST_F(ApiTest, TheViewerAsksBesideItselfSoThatAProxyMayPutItUnderAPath) {
  run();
  for (const char* page : {"/", "/viewer.js", "/viewer.css"})
    for (const char* from_the_root : {"\"/", "'/", "`/", "url(/"})
      EXPECT_THAT(ask(page).body, Not(HasSubstr(from_the_root))) << page;
}

TEST_F(ApiTest, OtherPagesAreNotFound) {
  run();
  EXPECT_EQ(ask("/favicon.ico").status, 404);
  EXPECT_EQ(ask("/../etc/passwd").status, 404);
}

TEST_F(ApiTest, AModelIsReplacedByAPostFromThisMachine) {
  run();
  const Response answer = post(R"({"model": "/models/other"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("name":"other")"));
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("model":{"name":"other")"));
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("changes":1)"));
}

TEST_F(ApiTest, AModelThatCannotBeHadIsRefusedAndTheRunningOneStays) {
  run();
  const Response answer = post(R"({"model": "/models/none"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.body, "there is no such file\n");
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("model":{"name":"fake")"));
}

TEST_F(ApiTest, AModelIsNotReplacedFromElsewhereNorByWhatIsNoRequestForIt) {
  run();
  const std::string good = R"({"model": "/models/other"})";
  EXPECT_EQ(post(good, "application/json", false).status, 403);
  EXPECT_EQ(post(good, "text/plain").status, 415);
  for (const char* body :
       {"", "[", "/models/other", "{}", R"({"model": []})", R"({"model": "/a", "more": 1})"})
    EXPECT_EQ(post(body).status, 400) << body;
  EXPECT_EQ((*api_)({.target = "/api/v1/status", .post = true}).status, 404);
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("changes":0)"));
}

TEST_F(ApiTest, IsNotReadyWhileASourceHasAProblem) {
  run();
  EXPECT_EQ(ask("/readyz").status, 200);
  source->set_problem("the file cannot be read");
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/readyz").body, "ready: source fake: the file cannot be read\n");
  EXPECT_THAT(ask("/api/v1/status").body, HasSubstr(R"("problem":"source fake: the file cannot be read")"));
  source->set_problem(std::nullopt);
  EXPECT_EQ(ask("/readyz").status, 200);
}

}  // namespace
}  // namespace flashphase::http
