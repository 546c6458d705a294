#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>

#include "trainer/adapt.h"
#include "trainer/evaluate.h"
#include "trainer/fit.h"
#include "trainer/generate.h"
#include "trainer/nearest.h"
#include "trainer/report/report.h"

int main(int argc, char** argv) {
  CLI::App app("Make, train and judge the networks of Flashphase");
  app.require_subcommand(1);
  flashphase::trainer::add_generate(app);
  flashphase::trainer::add_fit(app);
  flashphase::trainer::add_adapt(app);
  flashphase::trainer::add_evaluate(app);
  flashphase::trainer::add_nearest(app);
  flashphase::trainer::add_report(app);
  try {
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      throw std::runtime_error("standard output cannot be written; is the disk full, the reader gone?");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "flashphase-train: %s\n", error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "flashphase-train: the memory does not suffice\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flashphase-train: %s\n", error.what());
    return 1;
  }
  return 0;
}
