"""The page of GPU results says what was measured, and beside it what physics allows and what is asked for."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import gpu_results  # noqa: E402

CEILINGS = {
    "device": "NVIDIA X", "memory_bytes": 80 * 2**30, "compute_capability": "9.0", "multiprocessors": 100,
    "cuda_runtime": 13000, "cuda_driver": 13000,
    "copy_bytes_per_second": 2e12, "host_copy_bytes_per_second": 20e9, "matrix_flops": 400e12, "fp32_flops": 40e12,
    "shared_memory_bytes_per_second": 20e12, "launch_seconds": 2e-6,
}


def infer_run(*batches, gflop=0.1):
    return {"backend": "cuda", "precision": "bf16",
            "batches": [{"batch": b, "milliseconds_p50": ms, "frames_per_second": 1e3 * b / ms, "gflops": gflop * 1e3 * b / ms} for b, ms in batches]}


def service_run(rate, p99, dropped):
    return {"sent": 1000, "received": 1000, "dropped": dropped, "frames_per_second": rate, "latency_milliseconds": {"p99": p99}}


def some_results():
    return {
        "ceilings": CEILINGS, "versions": {"driver": "580.1"}, "revision": "abc", "date": "2026-01-02",
        "conformance": {"test_x_gpu": {"passed": 7, "failed": 0, "skipped": 0}},
        "sanitizer": {"memcheck test_x_gpu": "clean, 2 tests"},
        "infer": {"bf16": infer_run((1, 0.25), (64, 0.5), (1024, 8.0)), "fp32": infer_run((1, 0.5), (64, 1.0))},
        "wu2021": {"bf16": infer_run((1, 1.0), (64, 16.0), gflop=1.5)},
        "refine": {"fused 64": {"iterations_per_second": 600 * 50e3, "frames_per_second_with_host": 12e3}, "batched 64": {"iterations_per_second": 600 * 20e3},
                   "batched 256": {"iterations_per_second": 600 * 100}},
        "service": {"inferred": service_run(27000, 12, 0), "refined": service_run(20000, 30, 5)},
        "failed": {},
    }


def row(text, start):
    """The cells of the one row of the page whose first cell begins so."""
    rows = [line for line in text.splitlines() if line.startswith("| " + start)]
    assert len(rows) == 1, (start, rows)
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def test_without_a_run_the_page_says_so_in_its_first_line():
    page = gpu_results.page()
    assert page.splitlines()[0].startswith("Not yet run on a GPU")
    assert row(page, "frames refined on the chip (fused), 64")[1] == "-"


def test_the_page_of_the_tree_is_the_one_that_the_script_writes():
    written = (ROOT / "docs/gpu-results.md").read_text(encoding="utf-8")
    kept = ROOT / "docs/gpu-results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None
    assert written == gpu_results.page(results)


def test_limits_of_the_assumed_device_are_those_of_the_notes():
    fused = gpu_results.fused_limits(gpu_results.ASSUMED, 64)
    assert abs(fused["instruction issue"] / 142e3 - 1) < 0.02
    assert abs(fused["shared memory"] / 117e3 - 1) < 0.02
    assert abs(gpu_results.batched_limit(gpu_results.ASSUMED, 256) / 1420 - 1) < 0.02
    assert abs(gpu_results.batched_limit(gpu_results.ASSUMED, 64) / 22.7e3 - 1) < 0.02


def test_measured_figures_stand_beside_limit_and_target():
    page = gpu_results.page(some_results())
    assert page.splitlines()[0] == "Run on one NVIDIA X, 2026-01-02, of revision abc."
    best = row(page, "patterns inferred, 64 × 64, best batch, bf16 at batch 64")
    assert best[1] == "128 000 /s" and best[4:] == ["≥ 100 000 /s", "yes"]
    assert row(page, "one pattern, batch 1")[1] == "0.250 ms"
    other = row(page, "patterns inferred by `wu2021` (random weights), 64 × 64, best batch, bf16 at batch 64")
    assert other[1] == "4 000 /s" and other[2] == "266 667 /s (matrix rate)" and other[3:] == ["2 %", "-", "-"]
    assert row(page, "one pattern by `wu2021`")[1] == "1 ms"
    fused = row(page, "frames refined on the chip (fused), 64")
    limit = 20e12 / (600 * 116 * 64 * 64)
    assert fused[1] == "50 000 /s" and fused[2].startswith(f"{limit:,.0f}".replace(",", " "))
    assert fused[3] == f"{100 * 50e3 / limit:.0f} %" and fused[5] == "yes"
    assert row(page, "with the host's part: frames refined on the chip (fused), 64")[1] == "12 000 /s"
    assert row(page, "with the host's part: frames refined with cuFFT (batched), 64")[1] == "-"
    assert row(page, "fused against batched")[1] == "2.50 ×"
    assert row(page, "copy inside device memory") == ["copy inside device memory, read and written", "2 TB/s"]


def test_missed_targets_are_named():
    page = gpu_results.page(some_results())
    assert row(page, "frames refined with cuFFT (batched), 256")[5] == "**no**"
    assert row(page, "service, the same, and every frame refined with 100 iterations: frames lost")[5] == "**no**"
    assert row(page, "service, trains of 10 × 2 700, every frame inferred: frames lost")[5] == "yes"
    missed = next(line for line in page.splitlines() if line.startswith("Targets missed: "))
    assert "256 × 256" in missed and "fused" not in missed.split(";")[0]


def test_what_failed_is_on_the_page_and_the_rest_is_too():
    results = some_results()
    results["refine"] = {}
    results["failed"] = {"refine fused 64": {"part": "refine", "reason": "exit 3: the device was lost"}}
    page = gpu_results.page(results)
    assert row(page, "refine fused 64") == ["refine fused 64", "**failed**: exit 3: the device was lost"]
    assert row(page, "frames refined on the chip (fused), 64")[1] == "-"
    assert row(page, "fused against batched")[1] == "-"
    assert row(page, "test_x_gpu") == ["test_x_gpu", "7 passed, 0 failed, 0 skipped"]


def test_without_a_gpu_nothing_is_run_and_nothing_written(tmp_path):
    page = tmp_path / "page.md"
    done = subprocess.run([sys.executable, ROOT / "tools/gpu-check", "--output", page], capture_output=True, text=True,
                          env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, check=False)
    assert done.returncode == 1 and not page.exists()
    assert done.stderr == "gpu-check: no NVIDIA GPU is visible on this machine; nothing was changed\n"


FAKE_BENCH = """#!/usr/bin/python3
import json, sys
words = sys.argv[1:]
if words[0] == "ceilings":
    print(json.dumps({ceilings}))
elif words[0] == "infer":
    batches = [int(b) for b in words[words.index("--batches") + 1].split(",")]
    rate = 10 if "wu2021" in words else 1e3
    print(json.dumps({{"batches": [{{"batch": b, "milliseconds_p50": 1, "frames_per_second": rate * b, "gflops": 100 * b}} for b in batches]}}))
elif words[0] == "refine":
    if "fused" in words:
        sys.exit("the device was lost")
    print(json.dumps({{"iterations_per_second": 6e6}}))
else:
    print(json.dumps({{"sent": 9, "received": 9, "dropped": 0, "frames_per_second": 3e4, "latency_milliseconds": {{"p99": 5}}}}))
"""


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def gpu_check(build, monkeypatch, tests, bench=FAKE_BENCH.format(ceilings=CEILINGS), arguments=(), part_seconds=480):
    """Runs tools/gpu-check on a build of shell scripts, `tests` by name, as on a machine with a GPU; exit code, page and what it noted."""
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(ROOT / "tools/gpu-check"))
    script = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_check", loader))
    loader.exec_module(script)
    write_program(build / "bin/flashphase-bench", bench)
    for name, text in tests.items():
        write_program(build / "tests" / name, "#!/bin/sh\n" + text)
    write_program(build / "tools/compute-sanitizer", "#!/bin/sh\nwhile [ ! -x \"$1\" ]; do shift; done\nexec \"$@\"\n")
    monkeypatch.setenv("PATH", f"{build}/tools:{os.environ['PATH']}")
    monkeypatch.setattr(script, "visible_gpus", lambda: 1)
    monkeypatch.setattr(script, "PART_SECONDS", part_seconds)
    monkeypatch.setattr(sys, "argv", ["gpu-check", "--build", str(build), "--output", str(build / "page.md"), *arguments])
    code = script.main()
    return code, (build / "page.md").read_text(encoding="utf-8"), json.loads((build / "page.json").read_text(encoding="utf-8"))


PASSES = "echo '[  PASSED  ] 3 tests.'\n"
GOOD_BENCH = FAKE_BENCH.format(ceilings=CEILINGS).replace('sys.exit("the device was lost")', "pass")


def test_a_run_in_which_everything_passes_ends_well(tmp_path, monkeypatch):
    code, page, noted = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH)
    assert (code, noted["failed"]) == (0, {}) and "**failed**" not in page


def test_a_run_in_which_nothing_passed_or_nothing_ran_fails(tmp_path, monkeypatch):
    for number, (tests, bench, failed) in enumerate((
        ({}, GOOD_BENCH, "conformance"),
        ({"test_a_gpu": PASSES, "test_b_gpu": "echo '[  PASSED  ] 0 tests.'\necho '[  SKIPPED ] 54 tests, listed below:'\n"}, GOOD_BENCH, "test_b_gpu"),
        ({"test_a_gpu": PASSES, "test_b_gpu": ""}, GOOD_BENCH, "test_b_gpu"),
        ({"test_a_gpu": "case $* in *gtest_filter*) echo '[  PASSED  ] 0 tests.';; *) " + PASSES.strip() + ";; esac\n"}, GOOD_BENCH, "racecheck"),
        ({"test_a_gpu": PASSES}, GOOD_BENCH.replace('elif words[0] == "refine":', 'elif words[0] == "refine" and False:')
                                           .replace('print(json.dumps({"sent"', 'sys.exit(0) if words[0] == "refine" else print(json.dumps({"sent"'),
         "refine batched 256"),
    )):
        code, page, noted = gpu_check(tmp_path / str(number), monkeypatch, tests, bench)
        assert code == 1 and failed in noted["failed"], (number, noted["failed"])
        assert f"| {failed} | **failed**: " in page


def test_a_run_notes_what_fails_and_goes_on(tmp_path, monkeypatch):
    code, page, noted = gpu_check(tmp_path, monkeypatch, {
        "test_a_gpu": PASSES, "test_b_gpu": "echo '[  FAILED  ] 1 test'\nexit 1\n", "test_c": "exit 1\n"})
    assert code == 1
    assert page.startswith("Run on one NVIDIA X")
    assert row(page, "test_a_gpu") == ["test_a_gpu", "3 passed, 0 failed, 0 skipped"]
    assert row(page, "memcheck test_a_gpu")[1] == "clean, 3 tests"
    assert "**failed**" in row(page, "test_b_gpu")[1]
    assert row(page, "refine fused 64")[1] == "**failed**: exit 1: the device was lost"
    assert row(page, "frames refined with cuFFT (batched), 256")[1] == "10 000 /s"
    assert row(page, "patterns inferred, 64 × 64, best batch, bf16 at batch 4096")[5] == "yes"
    assert row(page, "patterns inferred by `wu2021`")[1] == "10 240 /s"
    assert row(page, "service, the same, and every frame refined with 100 iterations: frames lost")[5] == "yes"
    assert noted["failed"].keys() >= {"test_b_gpu", "refine fused 64"}


def test_a_part_runs_alone_and_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    counted = {"test_a_gpu": f"echo ran >> {tmp_path}/ran\n" + PASSES}
    code, page, noted = gpu_check(tmp_path, monkeypatch, counted, GOOD_BENCH, ["--part", "conformance"])
    assert code == 0 and noted["parts"] == ["conformance"] and row(page, "test_a_gpu") and "memcheck" not in page
    assert (tmp_path / "ran").read_text(encoding="utf-8").count("ran") == 1
    _, page, noted = gpu_check(tmp_path, monkeypatch, counted, GOOD_BENCH, ["--part", "refine", "--part", "service"])
    assert noted["parts"] == ["conformance", "refine", "service"] and row(page, "test_a_gpu")
    _, _, noted = gpu_check(tmp_path, monkeypatch, counted, GOOD_BENCH)
    assert len(noted["parts"]) == 9
    assert (tmp_path / "ran").read_text(encoding="utf-8").count("ran") == 1 + 4  # each sanitizer once
    gpu_check(tmp_path, monkeypatch, counted, GOOD_BENCH, ["--part", "conformance"])
    assert (tmp_path / "ran").read_text(encoding="utf-8").count("ran") == 1 + 4 + 1


def test_what_failed_is_forgotten_when_its_part_passes(tmp_path, monkeypatch):
    code, page, _ = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, arguments=["--part", "refine"])
    assert code == 1 and "**failed**" in row(page, "refine fused 64")[1]
    code, page, _ = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH, ["--part", "refine"])
    assert code == 0 and "**failed**" not in page


def test_a_ceiling_is_the_best_that_was_measured(tmp_path, monkeypatch):
    gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH, ["--part", "conformance"])
    disturbed = {**CEILINGS, "copy_bytes_per_second": 1e12, "fp32_flops": 41e12, "launch_seconds": 9e-6}
    _, _, noted = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH.replace(str(CEILINGS), str(disturbed)), ["--part", "refine"])
    assert noted["ceilings"] == {**CEILINGS, "fp32_flops": 41e12}


def test_results_of_another_revision_are_not_kept(tmp_path, monkeypatch):
    gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH, ["--part", "conformance"])
    kept = json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    (tmp_path / "page.json").write_text(json.dumps({**kept, "revision": "older"}), encoding="utf-8")
    _, page, noted = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": PASSES}, GOOD_BENCH, ["--part", "refine"])
    assert noted["parts"] == ["refine"] and "test_a_gpu" not in page


def test_a_program_that_does_not_end_fails_its_part_in_the_time_of_a_part(tmp_path, monkeypatch):
    code, page, noted = gpu_check(tmp_path, monkeypatch, {"test_a_gpu": "exec sleep 1000\n"}, GOOD_BENCH, ["--part", "conformance"], part_seconds=1)
    assert code == 1 and "not done" in row(page, "test_a_gpu")[1] and noted["parts"] == ["conformance"]


def test_the_parts_are_listed():
    done = subprocess.run([sys.executable, ROOT / "tools/gpu-check", "--list"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["conformance", "infer", "wu2021", "refine", "service", "memcheck", "racecheck", "initcheck", "synccheck"]
