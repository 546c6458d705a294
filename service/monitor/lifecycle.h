#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <string_view>

namespace flashphase::service {

/// What the daemon is doing.
///
///     starting ──built──► ready ──frame──► running
///         │                 │                 │
///         └──────stop───────┴──────stop───────┴──► draining ──drained──► stopped
///     any of these four ──failure──► failed
enum class State { starting, ready, running, draining, stopped, failed };

inline constexpr std::size_t kStateCount = 6;

enum class Event {
  built,    ///< model warm, sockets open, workers up
  frame,    ///< a first message arrived
  stop,     ///< a signal, or the program's wish
  drained,  ///< nothing is inside any more
  failure,  ///< a worker cannot go on
};

constexpr std::string_view state_name(State state) {
  constexpr std::array<std::string_view, kStateCount> names{"starting", "ready",   "running",
                                                            "draining", "stopped", "failed"};
  return names[static_cast<std::size_t>(state)];
}

/// The state that follows, or nothing when the event means nothing in this state.
constexpr std::optional<State> transition(State state, Event event) {
  const bool ended = state == State::stopped || state == State::failed;
  switch (event) {
    case Event::built:
      if (state == State::starting) return State::ready;
      break;
    case Event::frame:
      if (state == State::ready) return State::running;
      break;
    case Event::stop:
      if (!ended && state != State::draining) return State::draining;
      break;
    case Event::drained:
      if (state == State::draining) return State::stopped;
      break;
    case Event::failure:
      if (!ended) return State::failed;
      break;
  }
  return std::nullopt;
}

/// The state as several threads see it.
class Lifecycle {
 public:
  State state() const { return state_.load(std::memory_order_acquire); }

  /// Returns whether the event changed the state.
  bool apply(Event event) {
    State now = state();
    while (const auto next = transition(now, event))
      if (state_.compare_exchange_weak(now, *next, std::memory_order_acq_rel)) return true;
    return false;
  }

 private:
  std::atomic<State> state_{State::starting};
};

}  // namespace flashphase::service
