#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "proto/frame.pb.h"
#include "service/ingest/native.h"

namespace flashphase::testing_support {

/// A header of a rows x columns float32 frame of run 3.
inline v1::StreamMessage frame_message(std::uint64_t sequence, std::uint32_t rows = 4,
                                       std::uint32_t columns = 6) {
  v1::StreamMessage message;
  auto& frame = *message.mutable_frame();
  frame.set_run(3);
  frame.set_train(100 + sequence);
  frame.set_pulse(7);
  frame.set_sequence(sequence);
  frame.set_source("agipd");
  frame.set_timestamp_ns(1234567);
  frame.set_rows(rows);
  frame.set_columns(columns);
  frame.set_dtype(v1::DTYPE_FLOAT32);
  return message;
}

inline std::string float_pixels(std::size_t count, float first = 1) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i);
  return {reinterpret_cast<const char*>(values.data()), count * sizeof(float)};
}

/// Keeps the strings and shows them as the parts of one message.
inline std::vector<ingest::Part> parts_of(const std::vector<std::string>& strings) {
  std::vector<ingest::Part> parts;
  for (const auto& text : strings) {
    const auto kept = std::make_shared<const std::string>(text);
    parts.push_back({std::as_bytes(std::span(*kept)), kept});
  }
  return parts;
}

}  // namespace flashphase::testing_support
