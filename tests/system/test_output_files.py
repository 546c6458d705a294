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


def long_reconstruction(tmp_path, *words):
    """Of 400 frames, begun and not yet done: some of its results are written."""
    dataset = simulated_dataset(tmp_path / "in.h5", 400)
    process = started("flashphase-reconstruct", dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "300*HIO", *words)
    part = tmp_path / "out.h5.part"
    wait_until("some results", lambda: part.exists() and part.stat().st_size > 300000)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reconstruction_that_is_stopped_keeps_what_is_done_and_says_that_it_is_not_all(tmp_path, number):
    process = long_reconstruction(tmp_path, "--batch", 1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    done = int(re.search(r"stopped after (\d+) of 400 frames", said).group(1))
    assert 0 < done < 400
    with h5py.File(tmp_path / "out.h5") as file:
        assert len(file["frames"]) == len(file["objects"]) == len(file["refined_residual"]) == done
        assert np.all(np.abs(file["objects"][:]).max((1, 2)) > 0)
        assert not file.attrs["complete"] and file.attrs["frames_asked"] == 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.h5", "out.h5"]


def test_a_reconstruction_is_stopped_within_its_batches_and_what_it_keeps_is_what_it_would_have_been(tmp_path):
    process = long_reconstruction(tmp_path, "--batch", 40, "--starts", 8)
    said = stopped(process)
    assert process.returncode == 130, said
    with h5py.File(tmp_path / "out.h5") as file:
        frames, objects, agreement = list(file["frames"]), file["objects"][:], file["agreement"][:]
    assert frames == sorted(set(frames)) and 40 < len(frames) < 400
    some = frames[::7] + frames[-1:]
    run("flashphase-reconstruct", tmp_path / "in.h5", tmp_path / "some.h5", "--model", "none", "--schedule", "300*HIO", "--starts", 8,
        "--frames", ",".join(map(str, some)))
    with h5py.File(tmp_path / "some.h5") as file:
        at = [frames.index(frame) for frame in some]
        assert np.array_equal(file["objects"][:], objects[at]) and np.array_equal(file["agreement"][:], agreement[at])


def seconds_of_work(process):
    """Of the CPU, so far."""
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_second_signal_ends_a_reconstruction_at_once(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 2)
    process = started("flashphase-reconstruct", dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "1000000*HIO", "--starts", 50)
    wait_until("its file", (tmp_path / "out.h5.part").exists)
    begun = seconds_of_work(process)
    wait_until("the first frame to be at work", lambda: seconds_of_work(process) > begun + 0.5)
    process.send_signal(signal.SIGINT)
    assert "a second signal ends it at once" in process.stderr.readline()
    said = stopped(process)
    assert process.returncode == -signal.SIGINT and said == "" and not (tmp_path / "out.h5").exists()


def test_a_file_that_cannot_be_read_to_its_end_gives_what_was_done_and_says_so(tmp_path):
    path = tmp_path / "in.h5"
    with h5py.File(simulated_dataset(tmp_path / "plain.h5", 60)) as plain, h5py.File(path, "w") as file:
        patterns = file.create_dataset("patterns", data=plain["patterns"][:], chunks=(1, 64, 64), compression="gzip")
        chunk = patterns.id.get_chunk_info(41)
    with open(path, "r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)
    code, said = program("flashphase-reconstruct", path, tmp_path / "out.h5", *PLAIN, "--batch", 4, "--threads", 1)
    assert code == 1 and "/patterns cannot be read" in said and "failed after 40 of 60 frames" in said, said
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["frames"]) == list(range(40)) and not file.attrs["complete"] and file.attrs["frames_asked"] == 60
    code, said = program("flashphase-reconstruct", path, tmp_path / "none.h5", *PLAIN, "--frames", "41,0")
    assert code == 1 and "/patterns cannot be read" in said and not list(tmp_path.glob("none*")), said


def test_a_whole_file_says_that_it_is_whole(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 3)
    code, said = program("flashphase-reconstruct", dataset, tmp_path / "out.h5", *PLAIN, "--frames", "2,0")
    assert code == 0 and "frames, which" not in said, said  # what speaks against results is said all the same
    with h5py.File(tmp_path / "out.h5") as file:
        assert file.attrs["complete"] and file.attrs["frames_asked"] == 2


def test_progress_is_a_line_that_is_written_over_at_a_terminal(tmp_path):
    dataset = simulated_dataset(tmp_path / "in.h5", 400)
    terminal, end = os.openpty()
    process = subprocess.Popen([BIN / "flashphase-reconstruct", dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "2000*HIO"],
                               stdout=subprocess.DEVNULL, stderr=end)
    os.close(end)
    seen = b""
    while not re.search(rb"\r[1-9]\d* of 400 frames, [\d.]+/s, .+ left.*\r", seen):
        seen += os.read(terminal, 4096)
    assert b"\n" not in seen
    process.send_signal(signal.SIGINT)
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
    except OSError:  # its end
        pass
    os.close(terminal)
    assert process.wait(60) == 130
    assert re.search(rb"stopped after \d+ of 400 frames", seen.split(b"\r")[-2] + seen.split(b"\r")[-1]), seen


def test_data_that_are_being_made_are_kept_when_killed_or_stopped(tmp_path):
    words = ["flashphase-train", "generate", tmp_path / "set.h5"]
    pieces = tmp_path / "set.h5.pieces"
    process = started(*words, "--count", 10000000)
    wait_until("some patterns", lambda: pieces.exists() and pieces.stat().st_size > 1000000)
    process.kill()
    process.communicate(timeout=60)
    killed = pieces.stat().st_size
    process = started(*words, "--count", 10000000, "--resume")
    wait_until("more patterns", lambda: pieces.stat().st_size > killed)
    said = stopped(process)
    made = int(re.search(r"stopped after (\d+) of 10000000 patterns", said).group(1))
    assert process.returncode == 1 and "--resume goes on" in said
    assert [path.name for path in tmp_path.iterdir()] == ["set.h5.pieces"]
    refused(*program(*words), "unfinished run", "--resume", expected=2)
    refused(*program(*words, "--resume", "--seed", 2), "another recipe, seed", expected=2)
    assert program(*words, "--resume", "--count", made)[0] == 0
    with h5py.File(tmp_path / "set.h5") as file:
        assert len(file["patterns"]) == len(file["objects"]) == made > 0
        assert file["patterns"][made - 1].sum() > 0 and file["patterns"].compression == "gzip" and file["patterns"].shuffle
    assert [path.name for path in tmp_path.iterdir()] == ["set.h5"]


def test_training_that_is_stopped_can_be_resumed(tmp_path):
    training = outputs(tmp_path)[2][0][3]
    words = ["flashphase-train", "fit", "--data", training, "--output", tmp_path / "m.fpm", "--batch", 2, "--channels", 4, "--samples", 100000]
    process = started(*words, "--checkpoint-seconds", 0)
    wait_until("a checkpoint", lambda: (tmp_path / "m.fpm.state").exists())
    said = stopped(process)
    step = int(re.search(r"stopped at step (\d+) of 50000", said).group(1))
    assert process.returncode == 1 and "--resume" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "m.fpm", "m.fpm.csv", "m.fpm.state"]
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
