#include <CLI/CLI.hpp>
#include <utility>
#include <vector>

#include "tools/programs/bench/commands.h"
#include "tools/shared/program.h"

int main(int argc, char** argv) {
  using namespace flashphase::tools;
  CLI::App app("Measures the parts of Flashphase on this machine.", "flashphase-bench");
  app.require_subcommand(1);
  const Command commands[] = {add_bench_infer(app), add_bench_refine(app), add_bench_service(app),
                              add_bench_ceilings(app)};
  return run_program(app, argc, argv, [&] {
    for (std::size_t i = 0; i < std::size(commands); ++i)
      if (app.get_subcommands({})[i]->parsed()) return commands[i]();
    return kUsage;
  });
}
