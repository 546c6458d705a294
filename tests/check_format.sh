#!/usr/bin/env bash
# Every C++ file of the tree is formatted. Needs clang-format 14, whose output is the reference; exit 77 = skipped.
set -euo pipefail
cd "$1"
formatter=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$formatter" ] || ! "$formatter" --version | grep -q 'version 14\.'; then
  echo "check.format is skipped: clang-format 14 is not here"
  exit 77
fi
find engine service trainer tools proto tests -regex '.*\.\(h\|cpp\|cu\|cuh\|inc\)' -print0 |
  xargs -0 "$formatter" --dry-run --Werror
