"""Checks the include rules of the project over the whole tree. Prints each breach as file:line: sentence; exit 1 on any.

Usage: check_includes.py SOURCE_DIRECTORY
"""

import fnmatch
import pathlib
import re
import sys

ROOMS = ("engine", "service", "trainer", "tools", "proto", "tests")

# What each room may include; `engine` alone stands for every room of it. No arrow leads back.
ARROWS = {
    "engine/frame": "",
    "engine/fft": "",
    "engine/device": "engine/frame",
    "engine/dataset": "engine/device engine/frame",
    "engine/batch": "engine/frame",
    "engine/simulate": "engine/fft",
    "engine/preprocess": "engine/dataset engine/frame",
    "engine/select": "engine/frame engine/preprocess",
    "engine/score": "engine/device engine/fft engine/frame",
    "engine/infer": "engine/dataset engine/device engine/fft engine/frame",
    "engine/infer/modules": "engine/infer",
    "engine/infer/cpu": "engine/fft engine/infer engine/infer/modules",
    "engine/infer/cuda": "engine/device engine/infer engine/infer/modules",
    "engine/refine": "engine/device engine/frame",
    "engine/refine/loop": "engine/fft engine/refine engine/score",
    "engine/refine/starts": "engine/device engine/fft engine/frame engine/infer engine/refine engine/refine/loop engine/score",
    "engine/refine/explain": "engine/frame engine/refine engine/refine/starts engine/score",
    "engine/refine/retry": "engine/frame engine/refine engine/refine/starts engine/score",
    "engine/refine/cpu": "engine/device engine/frame engine/refine engine/refine/loop engine/refine/starts",
    "engine/refine/cuda": "engine/device engine/refine engine/refine/loop engine/refine/starts engine/score",
    "service/ingest": "engine proto",
    "service/publish": "engine proto",
    "service/monitor": "engine service/ingest service/publish",
    "service/pipeline": "engine service/ingest service/monitor service/publish",
    "service/settings": "engine proto service/ingest service/pipeline service/publish",
    "service/http": "engine proto service/monitor service/pipeline service/publish",
    "service": "engine proto service/http service/ingest service/monitor service/pipeline service/publish service/settings",
    "tools/shared": "engine proto",
    "tools/programs": "engine proto tools/shared",
    "tools/programs/bench": "engine proto tools/shared",
    "proto": "",
    "trainer": "engine",
    "trainer/report": "engine trainer",
}
# The sources of a room that choose among its own rooms.
WIRING = ("engine/infer/network.cpp", "engine/infer/bench_support.cpp", "trainer/main.cpp")

# System headers and the only files that may include them, as shell patterns; a header not listed is free to use.
RESTRICTED = [
    (r"(torch|ATen|c10|caffe2)/", "LibTorch", ["engine/infer/*", "trainer/*", "tests/engine/infer/*", "tests/trainer/*"]),
    (r"(cuda|cufft|cublas|cusolver|nvrtc|nv|cub/|thrust/|cooperative_groups|mma\.h|c10/cuda/|ATen/cuda/)", "CUDA", ["engine/device/cuda_*", "*/cuda/*", "*.cu", "tests/service/cuda_ranges_test.cpp"]),
    (r"cuda\.h", "the driver's library (it is not linked)", []),
    (r"zmq", "ZeroMQ", ["service/*", "tools/*", "proto/endpoint.cpp", "tests/*"]),
    (r"(boost/asio|boost/beast)", "Boost.Asio", ["service/*", "tools/*", "tests/service/*", "tests/tools/*"]),
    (r"prometheus/", "prometheus-cpp", ["service/*", "tests/service/*"]),
    (r"spdlog/", "spdlog", ["service/*", "trainer/*", "tools/*", "tests/service/*"]),
    (r"google/protobuf/", "Protobuf", ["service/*", "tools/*", "tests/service/*", "tests/tools/*"]),
    (r"fftw", "FFTW (GPL)", ["tools/programs/bench/*"]),
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
MAY_ASK_FOR_CUDA = "engine/device/host_device.h"

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


def room_of(name):
    return name.rpartition("/")[0]


def may_include(room, target_room):
    """By the arrows; `engine` stands for its rooms."""
    allowed = ARROWS[room].split()
    return target_room == room or target_room in allowed or target_room.split("/")[0] in allowed


def rooms_in_a_circle(arrows):
    """A room from which arrows lead back to it; None when there is none."""
    for start in arrows:
        seen, ahead = set(), arrows[start].split()
        while ahead:
            room = ahead.pop()
            if room == start:
                return start
            if room not in seen:
                seen.add(room)
                ahead += arrows.get(room, "").split()
    return None


def matches_any(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def check_include(root, name, quoted, target):
    """The sentences that say what is wrong with `#include target` in the file `name`."""
    folder, target_folder = name.split("/")[0], target.split("/")[0]
    generated = target.startswith("proto/") and target.endswith(".pb.h")
    if target_folder in ROOMS:
        if folder != "tests" and name not in WIRING and target_folder != "tests":
            room, target_room = room_of(name), room_of(target)
            if room not in ARROWS:
                yield f"{room} has no row in the table of arrows"
            elif not may_include(room, target_room):
                yield f"no arrow leads from {room} to {target_room} ({target})"
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
    if room := rooms_in_a_circle(ARROWS):
        breaches.append(f"tests/check_includes.py:1: the arrows lead from {room} back to it")
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
