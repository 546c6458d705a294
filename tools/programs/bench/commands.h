#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace flashphase::tools {

/// Adds a subcommand; the returned function runs it and gives the exit code.
using Command = std::function<int()>;
Command add_bench_ceilings(CLI::App& parent);
Command add_bench_infer(CLI::App& parent);
Command add_bench_refine(CLI::App& parent);
Command add_bench_service(CLI::App& parent);

}  // namespace flashphase::tools
