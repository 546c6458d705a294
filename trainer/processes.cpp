#include "trainer/processes.h"

#include <charconv>
#include <cstring>
#include <stdexcept>

namespace flashphase::trainer {
namespace {

using Variables = std::function<const char*(const char* name)>;

int whole_number(const Variables& variable, const char* name, int least, int most) {
  const char* text = variable(name);
  if (text == nullptr)
    throw std::invalid_argument(std::string("many processes train together, and ") + name +
                                " is not set: start them with torchrun or srun, or set RANK, WORLD_SIZE, "
                                "MASTER_ADDR and MASTER_PORT for each");
  int number = 0;
  const char* end = text + std::strlen(text);
  if (const auto read = std::from_chars(text, end, number);
      read.ec != std::errc() || read.ptr != end || number < least || number > most)
    throw std::invalid_argument(std::string(name) + " must be a whole number from " + std::to_string(least) +
                                " to " + std::to_string(most) + ", not '" + text + "'");
  return number;
}

std::string text_of(const Variables& variable, const char* name) {
  const char* text = variable(name);
  return text == nullptr ? "" : text;
}

}  // namespace

std::string first_host(const std::string& hosts) {
  const auto end = hosts.find_first_of(",[");
  if (end == std::string::npos || hosts[end] == ',') return hosts.substr(0, end);
  const auto close = hosts.find(']', end);
  const auto number_end = hosts.find_first_of(",-]", end);
  if (close == std::string::npos) return {};
  const auto rest = hosts.find(',', close);
  return hosts.substr(0, end) + hosts.substr(end + 1, number_end - end - 1) +
         hosts.substr(close + 1, rest == std::string::npos ? rest : rest - close - 1);
}

Place place_of(const Variables& variable) {
  constexpr int kMost = 1 << 20;
  const bool torchrun = variable("WORLD_SIZE") != nullptr;
  if (!torchrun && variable("SLURM_STEP_NUM_TASKS") == nullptr) return {};
  Place place;
  place.count = whole_number(variable, torchrun ? "WORLD_SIZE" : "SLURM_STEP_NUM_TASKS", 1, kMost);
  if (place.count == 1) return {};
  place.rank = whole_number(variable, torchrun ? "RANK" : "SLURM_PROCID", 0, place.count - 1);
  const char* local = torchrun ? "LOCAL_RANK" : "SLURM_LOCALID";
  if (variable(local) != nullptr) place.local_rank = whole_number(variable, local, 0, kMost);
  place.address = text_of(variable, "MASTER_ADDR");
  if (place.address.empty() && !torchrun)
    place.address = first_host(text_of(variable, "SLURM_STEP_NODELIST"));
  if (place.address.empty())
    throw std::invalid_argument(
        "many processes train together, and MASTER_ADDR is not set: the host of rank 0");
  const bool default_port = !torchrun && variable("MASTER_PORT") == nullptr;
  place.port = default_port ? 29500 : whole_number(variable, "MASTER_PORT", 1, 65535);
  return place;
}

}  // namespace flashphase::trainer
