#include "tools/shared/native_sender.h"

#include <lz4.h>

#include <vector>
#include <zmq.hpp>

#include "proto/endpoint.h"
#include "proto/frame.pb.h"
#include "tools/shared/program.h"

namespace flashphase::tools {
namespace {

constexpr int kHighWaterMark = 1000;
constexpr int kLingerMilliseconds = 10'000;
constexpr std::chrono::milliseconds kPoll{100};
constexpr std::chrono::seconds kEndPatience{2};

std::uint64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

zmq::const_buffer buffer(std::span<const std::byte> bytes) {
  return zmq::buffer(bytes.data(), bytes.size());
}

}  // namespace

struct NativeSender::Impl {
  SenderOptions options;
  zmq::context_t context;
  zmq::socket_t socket;
  v1::StreamMessage message;
  std::string header;
  std::vector<char> compressed;

  explicit Impl(const SenderOptions& given)
      : options(given),
        socket(context, given.socket == SenderOptions::Socket::push ? zmq::socket_type::push
                                                                    : zmq::socket_type::xpub) {}

  /// Waits until the socket has an event of `events`; false on timeout or, where that counts, when stopped.
  bool wait(short events, std::chrono::milliseconds timeout, bool stoppable = true) {
    const auto deadline = Clock::now() + timeout;
    while (!(stoppable && stop_requested()) && Clock::now() < deadline) {
      zmq::pollitem_t item{socket.handle(), 0, events, 0};
      try {
        if (zmq::poll(&item, 1, kPoll) > 0) return true;
      } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) throw;
      }
    }
    return false;
  }

  bool send(zmq::const_buffer part, zmq::send_flags flags) {
    while (!socket.send(part, flags | zmq::send_flags::dontwait))
      if (!wait(ZMQ_POLLOUT, std::chrono::hours(24))) return false;
    return true;
  }

  bool send_message() {
    message.SerializeToString(&header);
    return send(zmq::buffer(header), zmq::send_flags::none);
  }
};

NativeSender::NativeSender(const SenderOptions& options) : impl_(std::make_unique<Impl>(options)) {
  zmq::socket_t& socket = impl_->socket;
  socket.set(zmq::sockopt::sndhwm, kHighWaterMark);
  socket.set(zmq::sockopt::linger, kLingerMilliseconds);
  socket.set(zmq::sockopt::immediate, true);  // a receiver that is not there yet has no queue
  open_endpoint(socket.handle(), options.endpoint, options.bind ? EndpointUse::bind : EndpointUse::connect);
}

NativeSender::~NativeSender() = default;
NativeSender::NativeSender(NativeSender&&) noexcept = default;

bool NativeSender::wait_for_receiver(std::chrono::milliseconds timeout) {
  if (impl_->options.socket == SenderOptions::Socket::push) return impl_->wait(ZMQ_POLLOUT, timeout);
  if (!impl_->wait(ZMQ_POLLIN, timeout)) return false;
  zmq::message_t subscription;
  return impl_->socket.recv(subscription).has_value();
}

bool NativeSender::begin(std::uint64_t expected_frames) {
  v1::RunBegin& begin = *impl_->message.mutable_begin();
  begin.set_run(impl_->options.run);
  begin.set_expected_frames(expected_frames);
  begin.set_source(impl_->options.source);
  return impl_->send_message();
}

bool NativeSender::frame(const WireFrame& frame) {
  v1::FrameHeader& header = *impl_->message.mutable_frame();
  header.set_run(impl_->options.run);
  header.set_source(impl_->options.source);
  header.set_train(frame.train);
  header.set_pulse(frame.pulse);
  header.set_sequence(frame.sequence);
  header.set_timestamp_ns(now_ns());
  header.set_rows(frame.rows);
  header.set_columns(frame.columns);
  header.set_dtype(static_cast<v1::Dtype>(frame.dtype));
  header.set_codec(impl_->options.lz4 ? v1::CODEC_LZ4 : v1::CODEC_NONE);
  impl_->message.SerializeToString(&impl_->header);

  zmq::const_buffer pixels = buffer(frame.pixels);
  if (impl_->options.lz4) {
    const int size = static_cast<int>(frame.pixels.size());
    std::vector<char>& out = impl_->compressed;
    out.resize(static_cast<std::size_t>(LZ4_compressBound(size)));
    const int written = LZ4_compress_default(reinterpret_cast<const char*>(frame.pixels.data()), out.data(),
                                             size, static_cast<int>(out.size()));
    pixels = zmq::buffer(out.data(), static_cast<std::size_t>(written));
  }
  return impl_->send(zmq::buffer(impl_->header), zmq::send_flags::sndmore) &&
         impl_->send(pixels, zmq::send_flags::none);
}

bool NativeSender::end(std::uint64_t sent_frames) {
  v1::RunEnd& end = *impl_->message.mutable_end();
  end.set_run(impl_->options.run);
  end.set_sent_frames(sent_frames);
  end.set_source(impl_->options.source);
  return impl_->send_message() || (impl_->wait(ZMQ_POLLOUT, kEndPatience, false) && impl_->send_message());
}

bool NativeSender::garbage(std::span<const std::byte> header, std::span<const std::byte> pixels) {
  return impl_->send(buffer(header), zmq::send_flags::sndmore) &&
         impl_->send(buffer(pixels), zmq::send_flags::none);
}

int wire_dtype(PixelType type) {
  switch (type) {
    case PixelType::u8:
      return v1::DTYPE_UINT8;
    case PixelType::u16:
      return v1::DTYPE_UINT16;
    case PixelType::u32:
      return v1::DTYPE_UINT32;
    case PixelType::i16:
      return v1::DTYPE_INT16;
    case PixelType::i32:
      return v1::DTYPE_INT32;
    case PixelType::f32:
      return v1::DTYPE_FLOAT32;
    case PixelType::f64:
      return v1::DTYPE_FLOAT64;
  }
  return v1::DTYPE_UNSPECIFIED;
}

}  // namespace flashphase::tools
