"""Checks the include rules of the project over the whole tree. Prints each breach as file:line: sentence; exit 1 on any.

Usage: check_includes.py SOURCE_DIRECTORY
"""

import fnmatch
import pathlib
import re
import sys

ROOMS = ("engine", "service", "trainer", "tools", "proto", "tests")

# What a top folder may include from the others (itself is always allowed). Tests may include what they test.
MAY_INCLUDE = {
    "engine": set(),
    "service": {"engine", "proto"},
    "trainer": {"engine"},
    "tools": {"engine", "proto"},
    "proto": set(),
}

# System headers and the only files that may include them, as shell patterns; a header not listed is free to use.
RESTRICTED = [
    (r"(torch|ATen|c10|caffe2)/", "LibTorch", ["engine/infer/*", "trainer/*", "tests/engine/infer/*", "tests/trainer/*"]),
    (r"(cuda|cufft|cublas|cusolver|nvrtc|nv|cub/|thrust/|cooperative_groups|mma\.h|c10/cuda/|ATen/cuda/)", "CUDA", ["*/cuda_*", "*.cu", "*.cuh"]),
    (r"cuda\.h", "the driver's library (it is not linked)", []),
    (r"zmq", "ZeroMQ", ["service/*", "tools/*", "proto/endpoint.cpp", "tests/*"]),
    (r"(boost/asio|boost/beast)", "Boost.Asio", ["service/*", "tools/*", "tests/service/*", "tests/tools/*"]),
    (r"prometheus/", "prometheus-cpp", ["service/*", "tests/service/*"]),
    (r"spdlog/", "spdlog", ["service/*", "trainer/*", "tools/*", "tests/service/*"]),
    (r"google/protobuf/", "Protobuf", ["service/*", "tools/*", "tests/service/*", "tests/tools/*"]),
    (r"fftw", "FFTW (GPL)", ["tools/bench/*"]),
]

# Headers that make every includer slow to build stay in sources, or in the one header of a folder that wraps them.
HEAVY = [
    (r"(torch|ATen|c10)/", "LibTorch"),
    (r".*\.pb\.h$", "generated Protobuf"),
    (r"zmq\.hpp$", "zmq.hpp"),
    (r"boost/(asio|beast)", "Boost.Asio"),
]

# The one condition on CUDA in the tree.
CUDA_CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif)\b.*(CUDA|NVCC)")
MAY_ASK_FOR_CUDA = "engine/frame/host_device.h"

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


def matches_any(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def check_include(root, name, quoted, target):
    """The sentences that say what is wrong with `#include target` in the file `name`."""
    folder, target_folder = name.split("/")[0], target.split("/")[0]
    generated = target.startswith("proto/") and target.endswith(".pb.h")
    if target_folder in ROOMS:
        if folder in MAY_INCLUDE and target_folder != folder and target_folder not in MAY_INCLUDE[folder]:
            yield f"{folder} may not include {target_folder} ({target})"
        if target_folder == "tests" and folder != "tests":
            yield f"nothing outside tests may include tests ({target})"
        if not generated and not (root / target).is_file():
            yield f"{target} is not a file of the tree"
    elif quoted:
        yield f'"{target}" is not rooted at the repository'
    for pattern, library, allowed in RESTRICTED:
        if re.match(pattern, target) and not matches_any(name, allowed):
            yield f"{library} may not be included here ({target})"


def check_tree(root):
    breaches = []
    heavy_headers = {}
    for folder in ROOMS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp", ".cu", ".cuh", ".inc"):
                continue
            name = path.relative_to(root).as_posix()
            if path.suffix in (".h", ".cuh") and "\n#pragma once\n" not in "\n" + path.read_text(encoding="utf-8"):
                breaches.append(f"{name}:1: #pragma once is missing")
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if CUDA_CONDITION.match(line) and name != MAY_ASK_FOR_CUDA:
                    breaches.append(f"{name}:{number}: {MAY_ASK_FOR_CUDA} alone asks whether CUDA compiles it")
            for number, quoted, target in includes(path):
                breaches += [f"{name}:{number}: {text}" for text in check_include(root, name, quoted, target)]
                for pattern, library in HEAVY:
                    if path.suffix == ".h" and re.match(pattern, target):
                        heavy_headers.setdefault((path.parent.relative_to(root).as_posix(), library), set()).add(name)
    for (folder, library), names in heavy_headers.items():
        if len(names) > 1:
            breaches.append(f"{folder}:1: one header may wrap {library}, not {', '.join(sorted(names))}")
    for path in sorted((root / "tests").rglob("CMakeLists.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(r"(\.\./|/(engine|service|trainer|tools)/)[^ )]*\.cpp", line):
                breaches.append(f"{path.relative_to(root).as_posix()}:{number}: tests link libraries, they list no sources of others")
    return breaches


if __name__ == "__main__":
    found = check_tree(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(found) if found else "the include rules hold")
    sys.exit(1 if found else 0)
