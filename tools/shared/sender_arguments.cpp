#include "tools/shared/sender_arguments.h"

#include <chrono>
#include <stdexcept>

#include "proto/endpoint.h"
#include "tools/shared/program.h"

namespace flashphase::tools {

void SenderArguments::add_to(CLI::App& app) {
  sender.run = run_of_now();
  app.add_option("--endpoint", sender.endpoint, "ZeroMQ endpoint, e.g. tcp://127.0.0.1:5601")->required();
  app.add_flag("--bind", sender.bind, "bind the endpoint instead of connecting to it");
  app.add_option("--socket", socket, "push (waits for a slow daemon) or pub (drops)")
      ->check(CLI::IsMember({"push", "pub"}))
      ->capture_default_str();
  app.add_option("--source", sender.source, "name of the detector source in every id")->capture_default_str();
  app.add_option("--run", sender.run, "run number; default: seconds since 1970");
  app.add_flag("--lz4", sender.lz4, "compress the pixels");
  app.final_callback([this] {
    const auto use = sender.bind ? EndpointUse::bind : EndpointUse::connect;
    if (const auto problem = endpoint_problem(sender.endpoint, use))
      throw CLI::ValidationError("--endpoint", *problem);
  });
  app.add_option("--wait", wait_seconds, "seconds to wait for a receiver")->capture_default_str();
}

NativeSender SenderArguments::connect() {
  sender.socket = socket == "pub" ? SenderOptions::Socket::pub : SenderOptions::Socket::push;
  NativeSender result(sender);
  const auto timeout = std::chrono::milliseconds(static_cast<std::int64_t>(wait_seconds * 1000));
  if (!result.wait_for_receiver(timeout) && !stop_requested())
    throw std::runtime_error("nobody receives at " + sender.endpoint +
                             "; is flashphased running with this endpoint?");
  return result;
}

std::uint64_t run_of_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace flashphase::tools
