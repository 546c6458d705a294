#pragma once

#include <optional>
#include <string_view>

namespace flashphase::service {

/// Whole cores, at least one, that a cgroup leaves: its file cpu.max, "quota period" in microseconds. Nothing
/// where there is no limit or the text is none.
std::optional<int> cores_of_quota(std::string_view cpu_max);

/// Cores that this process may use: those of its affinity mask, or fewer where its container has a limit.
int usable_cores();

/// How many refine workers the CPU gets, at most `cores`. `asked`: 0 = as many as `cores` leaves beside the
/// `others`, threads that frames have to pass in time; at least one.
///
/// Workers are not bound to cores: they have nice 10, and one that is bound would wait for a busy thread on
/// its own core while another core is idle.
int cpu_refine_workers(int asked, int cores, int others);

}  // namespace flashphase::service
