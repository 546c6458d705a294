"""Every header of the tree compiles alone: as the first include of the source of its name, which the build compiles, or
here, with the flags of a source of its own folder.

Usage: check_headers.py SOURCE_DIRECTORY BUILD_DIRECTORY (with compile_commands.json)
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

# LibTorch takes half a minute a header, and not every machine has CUDA; the sources that include these are built anyway.
SKIPPED = re.compile(r"#include <(torch/|c10/|ATen/|cuda|cufft|cublas|nvtx3/|cooperative_groups|cub/|mma)")
OWN = re.compile(r'#include "([^"]+)"')
FIRST = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def flags_by_folder(build):
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if entry["file"].endswith(".cu"):
            continue
        compiler = next(i for i, word in enumerate(words) if re.search(r"(g|clang)\+\+|c\+\+$", word))
        kept = [w for w in words[compiler:] if not w.startswith(("-M", "-O")) and not w.endswith((".d", ".o", ".cpp")) and w != "-o"]
        flags.setdefault(pathlib.Path(entry["file"]).parent, (kept, entry["directory"]))
    return flags


def is_skipped(header, root):
    """Whether the header or one of ours that it includes has an include that is skipped."""
    text = header.read_text(encoding="utf-8")
    own = (root / name for name in OWN.findall(text))
    return bool(SKIPPED.search(text)) or any(is_skipped(path, root) for path in own if path.suffix in (".h", ".cuh") and path.is_file())


def is_built(header, root, sources):
    """Whether the build compiles a source that begins with the header."""
    source = header.with_suffix(".cpp")
    if source not in sources:
        return False
    first = FIRST.search(source.read_text(encoding="utf-8"))
    return first is not None and first[1] == header.relative_to(root).as_posix()


def compile_alone(header, command, directory, root):
    """What is wrong with the header, or None. It makes an object, so that the compiler's cache knows it the next time."""
    cache = ["ccache"] if shutil.which("ccache") else []
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([*cache, *command, "-o", f"{folder}/header.o", "-x", "c++", "-w", str(header)],
                                cwd=directory, capture_output=True, text=True,
                                env={**os.environ, "CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1"})
    return None if result.returncode == 0 else f"{header}:\n{result.stderr}"


def main(root, build):
    flags = flags_by_folder(build)
    sources = {pathlib.Path(entry["file"]) for entry in json.loads((build / "compile_commands.json").read_text())}
    built, jobs = 0, []
    for folder in ("engine", "service", "trainer", "tools", "proto", "tests"):
        for header in sorted((root / folder).rglob("*.h")):
            if is_built(header, root, sources):
                built += 1
                continue
            parents = [p for p in (header.parent, *header.parents) if p in flags]
            if parents and not is_skipped(header, root):
                jobs.append((header, *flags[parents[0]], root))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(lambda job: compile_alone(*job), jobs) if text]
    print("\n".join(failures))
    print(f"{len(jobs) - len(failures)} of {len(jobs)} headers compile alone, {built} more in the build")
    return 1 if failures or not jobs else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()))
