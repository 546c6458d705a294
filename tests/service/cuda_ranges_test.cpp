#define NVTX_NO_IMPL  // this program is its own profiler
#include <gmock/gmock.h>
#include <nvtx3/nvToolsExt.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "engine/frame/stage.h"
#include "service/daemon.h"
#include "tests/service/doubles.h"
#include "tests/service/ingest/native_messages.h"

namespace flashphase::service {
namespace {

/// What a profiler sees. NVTX calls plain functions, hence the one object.
struct Seen {
  std::mutex mutex;
  std::map<std::string, int> begun;  // by name
  int ended = 0;
  int deepest = 0;
} seen;
thread_local int depth = 0;

int begin(const char* name) {
  const std::lock_guard lock(seen.mutex);
  ++seen.begun[name];
  seen.deepest = std::max(seen.deepest, ++depth);
  return depth - 1;
}

int end() {
  const std::lock_guard lock(seen.mutex);
  ++seen.ended;
  return --depth;
}

int attach(NvtxGetExportTableFunc_t table_of) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(table_of(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable functions = nullptr;
  unsigned count = 0;
  if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &functions, &count)) return 0;
  *functions[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(&begin);
  *functions[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(&end);
  return 1;
}

constexpr const char* kYaml = R"(
source: [{endpoint: "tcp://127.0.0.1:*", socket: pull, bind: true}]
preprocess: {pattern_size: 16}
refine: {policy: all, schedule: 2*ER}
publish: {endpoint: "tcp://127.0.0.1:*"}
http: {port: 0}
)";

TEST(Ranges, AProfilerSeesEveryStageOfEveryFrame) {
  const auto network = [](const std::string&, const NetworkOptions&) {
    return std::make_unique<testing_support::FakeNetwork>();
  };
  Daemon daemon(parse_config(kYaml), network,
                std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  daemon.start();
  zmq::context_t context;
  zmq::socket_t frames(context, zmq::socket_type::push);
  frames.connect(daemon.source_endpoints().at(0));
  constexpr int kFrames = 6;
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    frames.send(zmq::buffer(testing_support::frame_message(i, 16, 16).SerializeAsString()),
                zmq::send_flags::sndmore);
    frames.send(zmq::buffer(testing_support::float_pixels(256)));
  }
  while (daemon.accounts().refined < kFrames) std::this_thread::yield();
  daemon.stop();
  ASSERT_EQ(exit_code(daemon), 0);

  const std::lock_guard lock(seen.mutex);
  const auto begun = [](Stage stage) { return seen.begun[std::string(stage_name(stage))]; };
  for (const Stage stage : {Stage::ingest, Stage::select, Stage::preprocess, Stage::refine})
    EXPECT_EQ(begun(stage), kFrames) << stage_name(stage);
  EXPECT_EQ(begun(Stage::publish), 2 * kFrames);  // inferred and refined
  for (const Stage stage : {Stage::batch, Stage::infer, Stage::score}) {
    EXPECT_GE(begun(stage), 1) << stage_name(stage);
    EXPECT_LE(begun(stage), kFrames) << stage_name(stage);
  }
  int all = 0;
  for (const auto& [name, count] : seen.begun) all += count;
  EXPECT_EQ(seen.begun.size(), kStageCount);
  EXPECT_EQ(seen.ended, all);
  EXPECT_EQ(seen.deepest, 1) << "no stage is part of another";
}

}  // namespace
}  // namespace flashphase::service

extern "C" {
NvtxInitializeInjectionNvtxFunc_t InitializeInjectionNvtx2_fnptr = &flashphase::service::attach;
}
