#include "tools/shared/program.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
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

bool print_line(const std::string& line) {
  if (std::puts(line.c_str()) >= 0 && std::fflush(stdout) == 0) return true;
  const int error = errno;
  if (error != EPIPE || std::freopen("/dev/null", "w", stdout) == nullptr)
    throw std::runtime_error(std::string("standard output: ") + std::strerror(error));
  return false;
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
