#include "service/monitor/lifecycle.h"

#include <gtest/gtest.h>

namespace flashphase::service {
namespace {

static_assert(transition(State::starting, Event::built) == State::ready);
static_assert(transition(State::ready, Event::frame) == State::running);
static_assert(transition(State::running, Event::stop) == State::draining);
static_assert(transition(State::draining, Event::drained) == State::stopped);

constexpr std::array kStates{State::starting, State::ready,   State::running,
                             State::draining, State::stopped, State::failed};
constexpr std::array kEvents{Event::built, Event::frame, Event::stop, Event::drained, Event::failure};

TEST(Lifecycle, NothingLeadsOutOfStoppedOrFailed) {
  for (const Event event : kEvents) {
    EXPECT_FALSE(transition(State::stopped, event));
    EXPECT_FALSE(transition(State::failed, event));
  }
}

TEST(Lifecycle, FailsFromEveryStateThatHasNotEnded) {
  for (const State state : {State::starting, State::ready, State::running, State::draining})
    EXPECT_EQ(transition(state, Event::failure), State::failed);
}

TEST(Lifecycle, StopsFromWhereverItIsAliveAndOnlyOnce) {
  for (const State state : {State::starting, State::ready, State::running})
    EXPECT_EQ(transition(state, Event::stop), State::draining);
  EXPECT_FALSE(transition(State::draining, Event::stop));
}

TEST(Lifecycle, HasTenTransitionsAndNoOther) {
  int transitions = 0;
  for (const State state : kStates)
    for (const Event event : kEvents) transitions += transition(state, event).has_value();
  EXPECT_EQ(transitions, 10);
}

TEST(Lifecycle, AppliesAnEventThatFitsAndIgnoresOneThatDoesNot) {
  Lifecycle lifecycle;
  EXPECT_FALSE(lifecycle.apply(Event::drained));
  EXPECT_EQ(lifecycle.state(), State::starting);
  EXPECT_TRUE(lifecycle.apply(Event::built));
  EXPECT_TRUE(lifecycle.apply(Event::frame));
  EXPECT_FALSE(lifecycle.apply(Event::frame));
  EXPECT_EQ(lifecycle.state(), State::running);
}

TEST(Lifecycle, NamesItsStates) {
  EXPECT_EQ(state_name(State::starting), "starting");
  EXPECT_EQ(state_name(State::failed), "failed");
}

}  // namespace
}  // namespace flashphase::service
