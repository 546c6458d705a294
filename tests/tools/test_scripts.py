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
        "engine/refine/cuda/solver.cpp": "#include <cufft.h>\n",
        "engine/refine/cuda_kernels.cu": '#include <cuda_runtime.h>\n#include "engine/frame/frame.h"\n',
        "engine/device/host_device.h": "#pragma once\n#ifdef __CUDACC__\n#endif\n",
    })
    assert code == 0, said


def test_every_kind_of_breach_is_found(tmp_path):
    headers = ("engine/frame/frame.h", "engine/infer/cpu/a.h", "engine/refine/solver.h", "service/a.h", "service/pipeline/a.h")
    frame = {name: "#pragma once\n" for name in headers}
    for name, line, word in (
        ("engine/frame/a.cpp", '#include "service/a.h"', "no arrow leads from engine/frame to service"),
        ("engine/fft/a.cpp", '#include "engine/refine/solver.h"', "no arrow leads from engine/fft to engine/refine"),
        ("engine/infer/a.cpp", '#include "engine/infer/cpu/a.h"', "no arrow leads from engine/infer to engine/infer/cpu"),
        ("service/http/a.cpp", '#include "service/a.h"', "no arrow leads from service/http to service"),
        ("service/ingest/a.cpp", '#include "service/pipeline/a.h"', "no arrow leads from service/ingest to service/pipeline"),
        ("engine/attic/a.cpp", '#include "engine/frame/frame.h"', "engine/attic has no row"),
        ("trainer/a.cpp", '#include "service/a.h"', "no arrow leads from trainer to service"),
        ("tools/programs/a.cpp", '#include "service/a.h"', "no arrow leads from tools/programs to service"),
        ("engine/frame/a.cpp", '#include "proto/frame.pb.h"', "no arrow leads from engine/frame to proto"),
        ("engine/frame/a.cpp", "#include <torch/torch.h>", "LibTorch"),
        ("service/a.cpp", "#include <torch/script.h>", "LibTorch"),
        ("engine/refine/solver.cpp", "#include <cuda_runtime.h>", "CUDA"),
        ("engine/infer/network.cpp", "#include <c10/cuda/CUDAStream.h>", "CUDA"),
        ("engine/refine/cuda/solver.cpp", "#include <cuda.h>", "driver"),
        ("engine/refine/solver.cpp", "#if defined(FLASHPHASE_CUDA)", "host_device.h"),
        ("engine/refine/kernel.cuh", "int x;", "#pragma once"),
        ("engine/frame/a.cpp", "#include <zmq.hpp>", "ZeroMQ"),
        ("tools/a.cpp", "#include <fftw3.h>", "FFTW"),
        ("engine/frame/a.cpp", '#include "frame.h"', "not rooted"),
        ("engine/frame/a.cpp", '#include "engine/frame/gone.h"', "not a file"),
        ("engine/frame/b.h", "#include <vector>", "#pragma once"),
    ):
        root = tmp_path / str(abs(hash((name, line))))
        code, said = check_includes(root, {**frame, name: line + "\n"})
        assert code == 1 and word in said and name in said, (name, line, said)


def test_one_source_of_a_room_may_choose_among_its_own_rooms(tmp_path):
    code, said = check_includes(tmp_path, {"engine/infer/cpu/a.h": "#pragma once\n", "engine/infer/network.cpp": '#include "engine/infer/cpu/a.h"\n'})
    assert code == 0, said


def test_arrows_that_lead_back_are_found():
    sys.path.insert(0, str(TESTS))
    import check_includes as script
    assert script.rooms_in_a_circle(script.ARROWS) is None
    assert script.rooms_in_a_circle({"a": "b c", "b": "", "c": "d", "d": "c"}) == "c"


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
    passed = 'status="run">'
    skipped = 'status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>', 'status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>'
    assert count(tmp_path, passed, passed, *skipped, 'status="disabled">') == (0, "4 passed, 0 failed, 6 skipped")


def test_a_failed_test_and_no_test_at_all_fail(tmp_path):
    assert count(tmp_path, 'status="run">', 'status="fail"><failure message=""/>') == (1, "2 passed, 2 failed, 0 skipped")
    assert count(tmp_path) == (1, "0 passed, 0 failed, 0 skipped")
    assert count(tmp_path, 'status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>') == (1, "0 passed, 0 failed, 2 skipped")


def test_what_ctest_itself_calls_not_run_or_failed_is_no_skip(tmp_path):
    """The reports are real ones: of a program that was not built, one that crashes, one that skips itself and one that passes."""
    (tmp_path / "CTestTestfile.cmake").write_text("""add_test(ok /bin/true)
add_test(not_built /nowhere/test_program)
add_test(crashes /bin/sh -c "kill -SEGV $$")
add_test(skips /bin/sh -c "exit 77")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)
""")
    subprocess.run(["ctest", "--output-junit", tmp_path / "report.xml"], cwd=tmp_path, capture_output=True, check=False)
    result = subprocess.run([sys.executable, TESTS / "count_results.py", tmp_path / "report.xml"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "1 passed, 2 failed, 1 skipped\n")


def test_the_tests_of_a_whole_program_count(tmp_path):
    """Real reports of ctest; the programs leave what GoogleTest writes for three tests, or die first or at their end."""
    (tmp_path / "tests").mkdir()
    cases = {"skips": '<testcase status="run" result="completed"/><testcase status="run" result="skipped"><skipped/></testcase>',
             "fails": '<testcase status="run" result="completed"><failure/></testcase><testcase status="run" result="completed"/>'}
    for name, text in (("good", cases["skips"]), ("bad", cases["fails"]), ("dies_late", cases["skips"])):
        (tmp_path / "tests" / f"{name}.xml").write_text(f"<testsuites><testsuite>{text}</testsuite></testsuites>")
    (tmp_path / "CTestTestfile.cmake").write_text(
        "add_test(good /bin/true)\nadd_test(bad /bin/false)\nadd_test(dies_late /bin/false)\nadd_test(dies_first /bin/false)\n")
    subprocess.run(["ctest", "--output-junit", tmp_path / "report.xml"], cwd=tmp_path, capture_output=True, check=False)
    result = subprocess.run([sys.executable, TESTS / "count_results.py", tmp_path / "report.xml"], capture_output=True, text=True, check=False)
    # good: one passed, one skipped; bad: one of each; dies_late: one passed, one skipped, it failed; dies_first: failed
    assert (result.returncode, result.stdout) == (1, "3 passed, 3 failed, 2 skipped\n")


def test_a_report_that_is_not_whole_fails(tmp_path):
    (tmp_path / "broken.xml").write_text("<testsuite><testcase name='a' status='run'></testcase>")
    for report in ("broken.xml", "missing.xml"):
        result = subprocess.run([sys.executable, TESTS / "count_results.py", tmp_path / report], capture_output=True, text=True, check=False)
        assert result.returncode == 1 and "cannot be read" in result.stderr and "Traceback" not in result.stderr


def cuda_setup(prefix, **environment):
    result = subprocess.run(["bash", TESTS.parent / "tools/cuda/setup"], capture_output=True, text=True, check=False,
                            env={"PATH": "/usr/bin:/bin", "FLASHPHASE_CUDA_PREFIX": str(prefix), **environment})
    return result.returncode, result.stdout + result.stderr


def test_cuda_and_libtorch_that_are_there_are_taken(tmp_path):
    library, nvcc = tmp_path / "torch/lib/libtorch_cuda.so", tmp_path / "nvcc"
    library.parent.mkdir(parents=True)
    library.touch()
    nvcc.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 12.8, V12.8.1'\n")
    nvcc.chmod(0o755)
    code, said = cuda_setup(tmp_path / "prefix", CMAKE_PREFIX_PATH=f"/none:{tmp_path}/torch", CUDACXX=str(nvcc))
    assert code == 0 and f"LibTorch with CUDA is in {tmp_path}/torch" in said and str(nvcc) in said, said
    assert not (tmp_path / "prefix").exists()


def test_a_private_prefix_that_is_complete_is_left_as_it_is(tmp_path):
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 13.0, V13.0.88'\n")
    nvcc.chmod(0o755)
    lists = [TESTS.parent / "tools/cuda" / name for name in ("libtorch.txt", "libraries.txt")]
    (tmp_path / "wheels.txt").write_bytes(b"".join(path.read_bytes() for path in lists))
    code, said = cuda_setup(tmp_path, CUDACXX=str(nvcc))
    assert code == 0 and f"CUDA and LibTorch are in {tmp_path}" in said, said
