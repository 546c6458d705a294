#include <stdexcept>

#include "trainer/process_group.h"

namespace flashphase::trainer {

std::unique_ptr<ProcessGroup> join(const Place&) {
  throw std::invalid_argument(
      "this build trains in one process: its LibTorch has no headers of Gloo; set WORLD_SIZE to 1, or build "
      "without CUDA where libgloo-dev is installed");
}

}  // namespace flashphase::trainer
