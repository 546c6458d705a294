#pragma once

#include <functional>

namespace flashphase {

/// Calls work(i) for i = 0 ... count - 1, each once, in any order and perhaps several at once, and returns
/// when all is done. What `work` throws first ends the rest and comes out.
using ForEach = std::function<void(int count, const std::function<void(int)>& work)>;

/// One after the other.
inline void in_turn(int count, const std::function<void(int)>& work) {
  for (int i = 0; i < count; ++i) work(i);
}

}  // namespace flashphase
