#pragma once

namespace flashphase {

/// Catches SIGINT, SIGTERM and, where it is not ignored already, SIGHUP from now on: stop_requested() is true
/// after the first, a second SIGINT or SIGTERM ends the process. Ignores SIGPIPE: who writes to a reader that
/// is gone hears it from the write.
void stop_on_signals();
bool stop_requested();
/// The first of them, 0 = none: a program that they cut short ends with 128 + this, as shells expect.
int stop_signal();

/// Whether the program was started with SIGHUP ignored (nohup), whatever libraries have made of it since.
bool hang_up_was_ignored();

}  // namespace flashphase
