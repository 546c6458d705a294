#include "trainer/processes.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace flashphase::trainer {
namespace {

Place place(const std::map<std::string, std::string>& variables) {
  return place_of([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Processes, AreOneWithoutALauncherAndInTheScriptOfSbatch) {
  for (const auto& variables : {std::map<std::string, std::string>{},
                                {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}},
                                {{"WORLD_SIZE", "1"}, {"RANK", "0"}},
                                {{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}}}) {
    EXPECT_EQ(place(variables).count, 1);
    EXPECT_EQ(place(variables).rank, 0);
  }
}

TEST(Processes, ComeFromTheVariablesOfTorchrun) {
  const Place third = place({{"WORLD_SIZE", "4"},
                             {"RANK", "3"},
                             {"LOCAL_RANK", "1"},
                             {"MASTER_ADDR", "node7"},
                             {"MASTER_PORT", "12345"},
                             {"SLURM_STEP_NUM_TASKS", "9"}});
  EXPECT_EQ(third.count, 4);
  EXPECT_EQ(third.rank, 3);
  EXPECT_EQ(third.local_rank, 1);
  EXPECT_EQ(third.address, "node7");
  EXPECT_EQ(third.port, 12345);
}

TEST(Processes, ComeFromTheVariablesOfSrun) {
  std::map<std::string, std::string> variables{{"SLURM_STEP_NUM_TASKS", "16"},
                                               {"SLURM_PROCID", "9"},
                                               {"SLURM_LOCALID", "1"},
                                               {"SLURM_STEP_NODELIST", "gpu[07-09,12],login"}};
  EXPECT_EQ(place(variables).count, 16);
  EXPECT_EQ(place(variables).rank, 9);
  EXPECT_EQ(place(variables).local_rank, 1);
  EXPECT_EQ(place(variables).address, "gpu07");
  EXPECT_EQ(place(variables).port, 29500);
  variables["MASTER_ADDR"] = "10.0.0.1";
  variables["MASTER_PORT"] = "4000";
  EXPECT_EQ(place(variables).address, "10.0.0.1");
  EXPECT_EQ(place(variables).port, 4000);
}

TEST(Processes, FindTheFirstHostOfSlurmsLists) {
  for (const auto& [hosts, first] : std::map<std::string, std::string>{{"one", "one"},
                                                                       {"a,b", "a"},
                                                                       {"n[1,3]", "n1"},
                                                                       {"n[01-04]-ib,x", "n01-ib"},
                                                                       {"a,n[1-2]", "a"},
                                                                       {"", ""}})
    EXPECT_EQ(first_host(hosts), first) << hosts;
}

TEST(Processes, AreRefusedWhereVariablesAreMissingOrContradictEachOther) {
  std::map<std::string, std::string> good{
      {"WORLD_SIZE", "2"}, {"RANK", "1"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1"}};
  ASSERT_NO_THROW(place(good));
  for (const char* name : {"RANK", "MASTER_ADDR", "MASTER_PORT"}) {
    auto variables = good;
    variables.erase(name);
    try {
      place(variables);
      ADD_FAILURE() << name;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
  for (const auto& [name, value] :
       {std::pair{"RANK", "2"}, {"RANK", "-1"}, {"WORLD_SIZE", "two"}, {"MASTER_PORT", "99999"}}) {
    auto variables = good;
    variables[name] = value;
    EXPECT_THROW(place(variables), std::invalid_argument) << name;
  }
}

}  // namespace
}  // namespace flashphase::trainer
