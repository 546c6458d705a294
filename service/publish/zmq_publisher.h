#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "service/publish/protocols.h"
#include "service/publish/sink.h"

namespace zmq {
class context_t;
}

namespace flashphase::publish {

/// The result stream: XPUB, two parts, topic and ResultMessage (proto/README.md).
///
/// A subscriber that does not keep up costs nobody anything: the socket is told not to drop (ZMQ_XPUB_NODROP)
/// only to ask it, without blocking, whether somebody's queue is full; when so, the message goes out again
/// with dropping allowed, which leaves out the full ones alone. take() then returns false. libzmq leaves a
/// full subscriber out, in silence, until it has read half of its queue, so what take() reports is how often
/// somebody fell behind, and bounds from below what that subscriber missed; the subscriber itself knows
/// exactly, from the ids.
///
/// Nor does one that misbehaves: a message of more than some hundred bytes ends its connection, a few
/// commands are taken in at a time, and what it never subscribed to it cannot end.
///
/// Thread: built anywhere (binds; throws std::runtime_error with one sentence), then one thread. Never
/// blocks; the destructor leaves at most a second for the last messages. `context` has to outlive it.
class ZmqPublisher : public Sink {
 public:
  ZmqPublisher(zmq::context_t& context, const SinkConfig& config);
  ~ZmqPublisher() override;

  const std::string& name() const override;
  bool take(const std::shared_ptr<const Reconstruction>& result) override;
  bool take(const RunEvent& event) override;
  using Sink::take;  // nothing goes out for Final
  bool take(const Bye& bye) override;
  /// Takes in a few subscriptions.
  void tend() override;

  /// Called from tend() when the number of subscriptions changes: one for each topic of each subscriber,
  /// which end with its connection. Subscribers within the process (inproc) do not count. Set before the
  /// first tend().
  void on_subscription(std::function<void(int change)> callback);

  /// The endpoint as ZeroMQ sees it: with the port, where the configuration said "any" (tcp://127.0.0.1:*).
  std::string endpoint() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flashphase::publish
