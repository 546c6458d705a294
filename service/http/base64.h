#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace flashphase::http {

/// As RFC 4648 has it, padded.
std::string base64(std::span<const std::byte> bytes);

}  // namespace flashphase::http
