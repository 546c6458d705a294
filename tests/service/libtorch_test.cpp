// LibTorch carries a Protobuf, an OpenMP and parts of a standard library of its own; the daemon has them too.
// They live in one process.

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/infer/network.h"
#include "engine/score/score.h"
#include "engine/simulate/detector.h"
#include "engine/simulate/particle.h"
#include "proto/reconstruction.pb.h"
#include "service/pipeline/reconstruct.h"
#include "service/publish/encode.h"
#include "tests/temporary_folder.h"

namespace flashphase {
namespace {

PatternBatch some_patterns(int count) {
  const simulate::Recipe recipe = simulate::shipped_recipe("paper");
  simulate::ParticleSimulator particles(recipe);
  simulate::DetectorSimulator detector(recipe);
  PatternBatch batch(count, detector.pattern_size());
  for (int i = 0; i < count; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    const auto from = static_cast<std::size_t>(i) * batch.pattern_cells();
    detector.pattern(particles.object(seed), seed,
                     std::span(batch.intensity).subspan(from, batch.pattern_cells()),
                     std::span(batch.measured).subspan(from, batch.pattern_cells()));
  }
  return batch;
}

std::unique_ptr<Network> shipped_network(int threads) {
  NetworkOptions options;
  options.precision = NetworkOptions::Precision::fp32;
  options.threads = threads;
  return make_network(std::string(std::getenv("FLASHPHASE_SOURCE_DIR")) + "/deploy/models/flash.fpm",
                      options);
}

ObjectBatch infer(const PatternBatch& patterns, int threads) {
  ObjectBatch objects;
  shipped_network(threads)->infer(patterns, objects);
  score::ModulusScorer(patterns.size)(patterns, objects);
  return objects;
}

/// The files of the loaded libraries whose name says that they are an OpenMP runtime.
std::set<std::string> openmp_runtimes() {
  std::set<std::string> found;
  dl_iterate_phdr(
      [](dl_phdr_info* library, std::size_t, void* out) {
        const std::string path = library->dlpi_name;
        for (const char* name : {"/libgomp", "/libiomp", "/libomp"})
          if (path.find(name) != std::string::npos) static_cast<std::set<std::string>*>(out)->insert(path);
        return 0;
      },
      &found);
  return found;
}

TEST(LibTorch, LivesWithOurProtobuf) {
  const PatternBatch patterns = some_patterns(4);
  const ObjectBatch objects = infer(patterns, 1);
  for (int i = 0; i < patterns.count; ++i) {
    const auto result = service::make_reconstruction(std::make_shared<Pattern>(), objects, i);
    std::string bytes;
    publish::encode(*result, bytes);
    v1::ResultMessage message;
    ASSERT_TRUE(message.ParseFromString(bytes));
    EXPECT_LT(message.reconstruction().residual(), 0.1f) << "the model has understood the pattern";
    const auto& amplitude = message.reconstruction().amplitude();
    EXPECT_EQ(std::vector(amplitude.begin(), amplitude.end()), result->amplitude);
    EXPECT_NE(message.DebugString().find("residual: "), std::string::npos) << "reflection works";
  }
  EXPECT_NE(google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
                "flashphase.v1.ResultMessage"),
            nullptr);
}

TEST(LibTorch, InfersOnManyThreadsWhileOthersUseProtobuf) {
  const PatternBatch patterns = some_patterns(4);
  const ObjectBatch expected = infer(patterns, 1);
  std::vector<ObjectBatch> answers(3);
  std::vector<std::string> bytes(answers.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i)
      threads.emplace_back([&, i] {
        answers[i] = infer(patterns, 2);
        publish::encode(*service::make_reconstruction(std::make_shared<Pattern>(), answers[i], 0), bytes[i]);
      });
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_EQ(answers[i].object.size(), expected.object.size());
    for (std::size_t p = 0; p < expected.object.size(); ++p)
      ASSERT_NEAR(std::abs(answers[i].object[p] - expected.object[p]), 0,
                  1e-3 * std::abs(expected.object[p]) + 1);
    v1::ResultMessage message;
    EXPECT_TRUE(message.ParseFromString(bytes[i]));
    EXPECT_EQ(message.reconstruction().size(), static_cast<unsigned>(expected.size));
  }
}

TEST(LibTorch, LeavesFilesAndFoldersToOurStandardLibrary) {
  infer(some_patterns(1), 1);
  const TemporaryFolder folder;
  const std::filesystem::path inside = folder / "a";
  std::filesystem::create_directories(inside / "b/c");
  std::ofstream(inside / "b/file") << "text";
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(inside))
    found.insert(entry.path().filename().string());
  EXPECT_EQ(found, (std::set<std::string>{"b", "c", "file"}));
  std::error_code error;
  EXPECT_EQ(std::filesystem::remove_all(inside, error), 4u);
  EXPECT_FALSE(error) << error.message();
  EXPECT_THROW(static_cast<void>(std::filesystem::file_size(inside)), std::filesystem::filesystem_error);
}

TEST(LibTorch, BringsTheOnlyOpenMpRuntime) {
  infer(some_patterns(1), 2);
  const auto runtimes = openmp_runtimes();
  EXPECT_EQ(runtimes.size(), 1u) << testing::PrintToString(runtimes);
}

}  // namespace
}  // namespace flashphase
