#pragma once

#include <functional>
#include <string>

namespace flashphase::trainer {

/// Which of the processes that train together this one is.
struct Place {
  int rank = 0, count = 1;  ///< rank 0 writes all files
  int local_rank = 0;       ///< among those of its machine: the GPU it takes
  std::string address;      ///< where rank 0 listens; set when count > 1
  int port = 0;
};

/// From the variables that torchrun sets (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), else from
/// those of Slurm's srun (SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID), where MASTER_ADDR and
/// MASTER_PORT are the first host of SLURM_STEP_NODELIST and 29500 unless set; one process where neither is.
/// (sbatch sets SLURM_NTASKS for its own script, which is one process: it does not count.) `variable`: the
/// value of a variable, null = not set. Throws std::invalid_argument when they contradict each other.
Place place_of(const std::function<const char*(const char* name)>& variable);

/// The first of a list of hosts as Slurm writes it: "gpu[07-09,12],login" is gpu07.
std::string first_host(const std::string& hosts);

}  // namespace flashphase::trainer
