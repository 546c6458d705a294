#include "tools/program.h"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>

namespace flashphase::tools {
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  try {
    app.parse(argc, argv);
    const int code = body();
    if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      throw std::runtime_error("standard output cannot be written; is the disk full, the reader gone?");
    return code;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  } catch (const std::invalid_argument& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return kUsage;
  } catch (const std::bad_alloc&) {
    std::cerr << app.get_name() << ": the memory does not suffice\n";
    return kFailed;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << '\n';
    return kFailed;
  }
}

std::string program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::string shipped_model() {
  for (std::filesystem::path folder = program_folder(); folder != folder.root_path();
       folder = folder.parent_path())
    for (const char* place : {"deploy/models/flash.fpm", "share/flashphase/models/flash.fpm"})
      if (std::filesystem::exists(folder / place)) return folder / place;
  throw std::runtime_error("the shipped model deploy/models/flash.fpm is not here; name one with --model");
}

}  // namespace flashphase::tools
