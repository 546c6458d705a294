"""Files that the programs write: asked for before the work, there whole or not at all, and kept when it is stopped."""

import os
import re
import resource
import signal
import subprocess

import h5py
import numpy as np
import pytest

from files import PLAIN, program, refused
from flashphase import BIN, run, wait_until
from test_results import simulated_dataset

#Writing : asked for before the work, there whole or not at all


def outputs(tmp_path):
    """Programs that write a file, as (words before the output, words after it); what they read lies in a folder of its own."""
    (tmp_path / "data").mkdir()
    dataset = simulated_dataset(tmp_path / "data/in.h5", 4)
    training = tmp_path / "data/training.h5"
    run("flashphase-train", "generate", training, "--count", 4)
    return [(["flashphase-reconstruct", dataset], PLAIN), (["flashphase-train", "generate"], ["--count", 4]),
            (["flashphase-train", "fit", "--data", training, "--output"], ["--samples", 1, "--batch", 1, "--channels", 4])]


def test_an_output_that_cannot_be_had_is_refused_before_the_work(tmp_path):
    (tmp_path / "folder").mkdir()
    for before, after in outputs(tmp_path):
        for output, reason in ((tmp_path / "nowhere/o.h5", "there is no folder"), (tmp_path / "folder", "is a folder"),
                               ("/proc/o.h5", "no file can be made in '/proc'"), ("/dev/full", "not a regular file")):
            refused(*program(*before, output, *after), reason, output, expected=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "folder"] and not list((tmp_path / "folder").iterdir())


def test_an_input_is_not_written_over_by_whatever_name(tmp_path):
    work = outputs(tmp_path)
    for (before, after), dataset in ((work[0], tmp_path / "data/in.h5"), (work[2], tmp_path / "data/training.h5")):
        content = dataset.read_bytes()
        soft, hard = tmp_path / "soft.h5", tmp_path / "hard.h5"
        soft.symlink_to(dataset)
        os.link(dataset, hard)
        for output in (dataset, soft, hard, f"{tmp_path}/../{tmp_path.name}/data/{dataset.name}"):
            refused(*program(*before, output, *after, "--overwrite"), "is the input", expected=2)
        assert dataset.read_bytes() == content
        soft.unlink()
        hard.unlink()


def test_finished_work_is_replaced_only_when_asked(tmp_path):
    for before, after in outputs(tmp_path):
        output = tmp_path / "out"
        assert program(*before, output, *after)[0] == 0
        first = output.read_bytes()
        refused(*program(*before, output, *after), "is there already", "--overwrite", expected=2)
        assert output.read_bytes() == first
        code, said = program(*before, output, *after, "--overwrite")
        assert code == 0, said
        for path in tmp_path.glob("out*"):
            path.unlink()


def limit_files_to(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_a_file_that_grows_too_large_leaves_the_old_one_whole(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 20)
    for before, after in ((["flashphase-reconstruct", dataset], PLAIN), (["flashphase-train", "generate"], ["--count", 40])):
        output = tmp_path / "out.h5"
        output.write_bytes(b"the old one")
        for size in (1, 2000, 20000, 80000, 200000):
            code, said = program(*before, output, *after, "--overwrite", preexec_fn=limit_files_to(size))
            assert code == 1 and "cannot write" in said, (size, code, said)
            assert output.read_bytes() == b"the old one" and sorted(p.name for p in tmp_path.iterdir()) == ["in.h5", "out.h5"]


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 20)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
mount -t tmpfs -o size=%dk none {disk} || exit 77
printf 'the old one' > {disk}/o.h5
"$@"; code=$?
[ "$(cat {disk}/o.h5)" = 'the old one' ] || code=98
[ "$(ls {disk})" = o.h5 ] || code=99
exit $code"""
    for kilobytes in (8, 64, 176):
        for words in (["flashphase-reconstruct", dataset, disk / "o.h5", *PLAIN], ["flashphase-train", "generate", disk / "o.h5", "--count", 40]):
            command = [BIN / words[0], *words[1:], "--overwrite"]
            result = subprocess.run(["unshare", "--mount", "bash", "-c", script % kilobytes, "there", *map(str, command)], capture_output=True,
                                    text=True, timeout=120, check=False)
            if result.returncode == 77 or "unshare" in result.stderr:
                pytest.skip("no tmpfs can be mounted here: " + result.stderr)
            assert result.returncode == 1 and "cannot write" in result.stderr, (kilobytes, words, result)


def test_standard_output_that_takes_nothing_is_a_failure(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 2)
    with open("/dev/full", "w") as full:
        for words in (["flashphase-reconstruct", dataset, tmp_path / "out.h5", *PLAIN],
                      ["flashphase-train", "evaluate", "--model", "none", "--data", dataset, "--iterations", 0, "--json"]):
            result = subprocess.run([BIN / words[0], *map(str, words[1:])], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            assert result.returncode == 1 and "standard output" in result.stderr, result

#The end


def stopped(process, signals=1):
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)[1]


def started(*words):
    return subprocess.Popen([BIN / words[0], *map(str, words[1:])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_a_reconstruction_that_is_stopped_keeps_what_is_done(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 400)
    words = ["flashphase-reconstruct", dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "300*HIO", "--batch", 1]
    process = started(*words)
    part = tmp_path / "out.h5.part"
    wait_until("some results", lambda: part.exists() and part.stat().st_size > 300000)
    said = stopped(process)
    assert process.returncode == 1, said
    done = int(re.search(r"stopped after (\d+) of 400 frames", said).group(1))
    assert 0 < done < 400
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["frames"]) == list(range(done)) and len(file["objects"]) == len(file["refined_residual"]) == done
        assert np.all(np.abs(file["objects"][:]).max((1, 2)) > 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.h5", "out.h5"]


def test_data_that_are_being_made_are_kept_when_stopped(tmp_path):
    process = started("flashphase-train", "generate", tmp_path / "set.h5", "--count", 10000000)
    part = tmp_path / "set.h5.part"
    wait_until("some patterns", lambda: part.exists() and part.stat().st_size > 20000000)
    said = stopped(process)
    made = int(re.search(r"stopped after (\d+) of 10000000 patterns", said).group(1))
    assert process.returncode == 1
    with h5py.File(tmp_path / "set.h5") as file:
        assert len(file["patterns"]) == len(file["objects"]) == made > 0
        assert file["patterns"][made - 1].sum() > 0
    assert [path.name for path in tmp_path.iterdir()] == ["set.h5"]


def test_training_that_is_stopped_can_be_resumed(tmp_path):
    training = outputs(tmp_path)[2][0][3]
    words = ["flashphase-train", "fit", "--data", training, "--output", tmp_path / "m.fpm", "--batch", 2, "--channels", 4, "--samples", 100000]
    process = started(*words, "--checkpoint-seconds", 0)
    wait_until("a checkpoint", lambda: (tmp_path / "m.fpm.state").exists())
    said = stopped(process)
    step = int(re.search(r"stopped at step (\d+) of 50000", said).group(1))
    assert process.returncode == 1 and "--resume" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "m.fpm", "m.fpm.state"]
    code, said = program(*words, "--resume", "--stop-after-steps", 1)
    assert code == 0 and f"from step {step} to 50000" in said, said


def test_a_reader_that_is_gone_costs_no_file(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 2)
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([BIN / "flashphase-reconstruct", dataset, tmp_path / "out.h5", *PLAIN], stdout=write, stderr=subprocess.PIPE, text=True,
                            timeout=60, check=False)
    os.close(write)
    assert result.returncode == 1 and "standard output" in result.stderr, result
    with h5py.File(tmp_path / "out.h5") as file:
        assert len(file["objects"]) == 2
