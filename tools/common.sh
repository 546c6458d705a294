# What the scripts share: sourced after `set -euo pipefail` by one that has set `me`, its name in messages.
# A script that ends with a failure says what it was doing; `doing` is kept up to date for that. die says something better.

doing=starting
told=no
say_what_failed() {
  local code=$?
  [ $code -eq 0 ] || [ $told = yes ] || echo "$me: failed while $doing (exit code $code)" >&2
}
trap say_what_failed EXIT

# die CODE SENTENCE
die() {
  told=yes
  echo "$me: $2" >&2
  exit "$1"
}

# need_space FOLDER MEGABYTES WHAT_FOR
need_space() {
  local free
  free=$(($(df -Pk "$1" | awk 'END { print $4 }') / 1024))
  [ "$free" -ge "$2" ] || die 1 "the disk is full: $3 needs $2 MB, $(realpath "$1") has $free MB left"
}

# How many compilers at once: as many as there are cores, and 2 GB of memory for each.
jobs() {
  local cores by_memory
  cores=$(nproc)
  by_memory=$(awk '/^MemAvailable/ { print int($2 / 2000000) }' /proc/meminfo)
  echo $((by_memory < 1 ? 1 : by_memory < cores ? by_memory : cores))
}

# show_failure STEP LOG: the first error in the log, and where the rest is.
show_failure() {
  local errors='error:|CMake Error|undefined reference|ld returned|Killed|No space left on device'
  { grep -m 1 -A 8 -E "$errors" "$2" || tail -n 20 "$2"; } >&2
  grep -q 'No space left on device' "$2" && die 1 "$1 failed: the disk is full (all of it in $2)"
  grep -q 'Killed signal' "$2" && die 1 "$1 failed: the compiler was killed, for lack of memory most likely (all of it in $2)"
  die 1 "$1 failed; its first error stands above, all of it in $2"
}

# Copies the build's output to a file and shows how far it is: one line that moves on a terminal, else some lines.
show_progress() {
  local every=50
  [ ! -t 1 ] || every=1
  tee -a "$1" | awk -v every=$every '
    match($1, /^\[[0-9]+\/[0-9]+\]$/) {
      split(substr($1, 2, length($1) - 2), at, "/")
      if (every == 1) printf "\r%s ", $1; else if (at[1] % every == 0 || at[1] == at[2]) print $1
      fflush()
    }
    END { if (every == 1) print "" }'
}

# build PRESET TARGET...: configures and builds in build/PRESET; what is said goes to build/PRESET.log.
build() {
  local preset=$1 log=build/$1.log
  shift
  command -v "${CXX:-c++}" >/dev/null || die 1 "no C++ compiler (${CXX:-c++}): install g++ 12 or newer, or name one in CXX"
  mkdir -p build
  need_space build 1000 "the build"
  doing="configuring the build (see $log)"
  cmake --preset "$preset" -Wno-dev >"$log" 2>&1 || show_failure "configuring the build" "$log"
  doing="building (see $log)"
  cmake --build --preset "$preset" --parallel "$(jobs)" --target "$@" 2>&1 | show_progress "$log" || show_failure "the build" "$log"
}
