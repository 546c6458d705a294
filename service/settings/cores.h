#pragma once

namespace flashphase::service {

/// How many refine workers the CPU gets, at most `cores`. `asked`: 0 = as many as `cores` leaves beside the
/// `others`, threads that frames have to pass in time; at least one.
///
/// Workers are not bound to cores: they have nice 10, and one that is bound would wait for a busy thread on
/// its own core while another core is idle.
int cpu_refine_workers(int asked, int cores, int others);

}  // namespace flashphase::service
