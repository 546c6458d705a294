#pragma once

#include <optional>
#include <string_view>

namespace flashphase {

/// Whole cores, at least one, that a cgroup leaves: its file cpu.max, "quota period" in microseconds. Nothing
/// where there is no limit or the text is none.
std::optional<int> cores_of_quota(std::string_view cpu_max);

/// Cores that this process may use: those of its affinity mask, or fewer where its container has a limit.
int usable_cores();

/// How many workers get a core each: the `asked` ones, at most `cores`. `asked`: 0 = as many as `cores`
/// leaves beside the `others`, threads that must not wait for workers; at least one.
int workers_beside(int others, int asked, int cores);

/// Gives the calling thread, and what it starts, the nice value `value`, 0 to 19: others go first. On Linux
/// it is a thread's own, and without privileges there is no way back.
void let_others_go_first(int value);

/// The calling thread, and what it starts, runs when no other thread wants its core, and at once makes room
/// for one that does: SCHED_IDLE. A low nice value would still keep others waiting for a slice of time.
void take_what_others_leave();

}  // namespace flashphase
