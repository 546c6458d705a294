"""The scripts that guard the tree find what they are there to find."""

import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]


def check_includes(root, files):
    """What check_includes.py says about a tree of these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    result = subprocess.run([sys.executable, TESTS / "check_includes.py", root], capture_output=True, text=True)
    return result.returncode, result.stdout


def test_a_tree_that_keeps_the_rules_passes(tmp_path):
    code, said = check_includes(tmp_path, {
        "engine/frame/frame.h": "// what\n#pragma once\n#include <vector>\n",
        "engine/infer/flash.cpp": '#include "engine/frame/frame.h"\n#include <torch/torch.h>\n',
        "service/ingest/a.cpp": '#include "engine/frame/frame.h"\n#include "proto/frame.pb.h"\n#include <zmq.hpp>\n',
        "engine/refine/cuda_solver.cpp": "#include <cufft.h>\n",
    })
    assert code == 0, said


def test_every_kind_of_breach_is_found(tmp_path):
    frame = {"engine/frame/frame.h": "#pragma once\n", "service/a.h": "#pragma once\n"}
    for name, line, word in (
        ("engine/frame/a.cpp", '#include "service/a.h"', "may not include service"),
        ("trainer/a.cpp", '#include "service/a.h"', "may not include service"),
        ("tools/a.cpp", '#include "service/a.h"', "may not include service"),
        ("engine/frame/a.cpp", '#include "proto/frame.pb.h"', "may not include proto"),
        ("engine/frame/a.cpp", "#include <torch/torch.h>", "LibTorch"),
        ("service/a.cpp", "#include <torch/script.h>", "LibTorch"),
        ("engine/refine/solver.cpp", "#include <cuda_runtime.h>", "CUDA"),
        ("engine/frame/a.cpp", "#include <zmq.hpp>", "ZeroMQ"),
        ("tools/a.cpp", "#include <fftw3.h>", "FFTW"),
        ("engine/frame/a.cpp", '#include "frame.h"', "not rooted"),
        ("engine/frame/a.cpp", '#include "engine/frame/gone.h"', "not a file"),
        ("engine/frame/b.h", "#include <vector>", "#pragma once"),
    ):
        root = tmp_path / str(abs(hash((name, line))))
        code, said = check_includes(root, {**frame, name: line + "\n"})
        assert code == 1 and word in said and name in said, (name, line, said)


def test_two_headers_may_not_wrap_the_same_heavy_one(tmp_path):
    wrapper = "#pragma once\n#include <torch/nn.h>\n"
    code, said = check_includes(tmp_path, {"engine/infer/a.h": wrapper, "engine/infer/b.h": wrapper})
    assert code == 1 and "one header may wrap LibTorch" in said


def count(tmp_path, *cases):
    report = tmp_path / "report.xml"
    report.write_text("<testsuite>" + "".join(f'<testcase name="{i}" {case}</testcase>' for i, case in enumerate(cases)) + "</testsuite>")
    result = subprocess.run([sys.executable, TESTS / "count_results.py", report, report], capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()[-1]


def test_results_are_added_up_over_reports(tmp_path):
    passed, skipped = 'status="run">', 'status="notrun"><skipped message=""/>'
    assert count(tmp_path, passed, passed, skipped) == (0, "4 passed, 0 failed, 2 skipped")


def test_a_failed_test_and_no_test_at_all_fail(tmp_path):
    assert count(tmp_path, 'status="run">', 'status="fail"><failure message=""/>') == (1, "2 passed, 2 failed, 0 skipped")
    assert count(tmp_path) == (1, "0 passed, 0 failed, 0 skipped")
