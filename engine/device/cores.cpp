#include "engine/device/cores.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <thread>

namespace flashphase {

std::optional<int> cores_of_quota(std::string_view cpu_max) {
  long long quota = 0, period = 0;
  const char* const end = cpu_max.data() + cpu_max.size();
  const auto first = std::from_chars(cpu_max.data(), end, quota);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, period).ec != std::errc{} || quota <= 0 || period <= 0)
    return std::nullopt;
  return static_cast<int>(std::clamp(quota / period, 1ll, 1ll << 20));
}

int usable_cores() {
  cpu_set_t mask;
  const int cores = sched_getaffinity(0, sizeof mask, &mask) == 0
                        ? CPU_COUNT(&mask)
                        : static_cast<int>(std::thread::hardware_concurrency());
  std::string quota;
  std::getline(std::ifstream("/sys/fs/cgroup/cpu.max"), quota);
  return std::max(1, std::min(cores, cores_of_quota(quota).value_or(cores)));
}

int workers_beside(int others, int asked, int cores) {
  return asked > 0 ? std::min(asked, cores) : std::max(1, cores - others);
}

void let_others_go_first(int value) {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), value);
}

void take_what_others_leave() {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) let_others_go_first(19);  // a sandbox may forbid it
}

}  // namespace flashphase
