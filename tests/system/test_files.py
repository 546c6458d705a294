"""Files that the programs read and write: what is wrong with one is said before the work, and nothing good is lost."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from flashphase import BIN, run, wait_until
from test_results import simulated_dataset

PLAIN = ["--model", "none", "--schedule", "none"]


def program(name, *words, **options):
    """Runs it to its end; exit code and what it said on stderr."""
    result = subprocess.run([BIN / name, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, **options)
    return result.returncode, result.stderr


def reconstruct(*words, **options):
    return program("flashphase-reconstruct", *words, **options)


def refused(code, said, *parts, expected):
    assert code == expected, (code, said)
    assert len(said.strip().splitlines()) == 1, said
    for part in parts:
        assert str(part) in said, said

#Reading : what HDF5 would give zeros for, or a riddle


def virtual(path, source, name="patterns", shape=(4, 64, 64), rows=None):
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[...] = h5py.VirtualSource(source, name, (rows or shape[0], *shape[1:]))[: shape[0]]
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset("patterns", layout)


def test_a_virtual_dataset_without_its_source_is_refused(tmp_path):
    simulated_dataset(tmp_path / "raw.h5", 4)
    virtual(tmp_path / "view.h5", "raw.h5")
    assert reconstruct(tmp_path / "view.h5", tmp_path / "out.h5", *PLAIN)[0] == 0
    (tmp_path / "raw.h5").rename(tmp_path / "renamed.h5")
    (tmp_path / "out.h5").unlink()
    for name, words in (("flashphase-reconstruct", [tmp_path / "out.h5", *PLAIN]),
                        ("flashphase-replay", ["--endpoint", "tcp://127.0.0.1:9"])):
        refused(*program(name, tmp_path / "view.h5", *words), "raw.h5", "missing", "/patterns", expected=1)
    refused(*program("flashphase-train", "evaluate", "--model", "none", "--data", tmp_path / "view.h5"), "raw.h5", "missing",
            expected=1)
    assert not (tmp_path / "out.h5").exists()


def test_sources_are_looked_for_through_all_levels_and_to_their_end(tmp_path):
    simulated_dataset(tmp_path / "raw.h5", 4)
    virtual(tmp_path / "middle.h5", "raw.h5")
    virtual(tmp_path / "view.h5", "middle.h5")
    assert reconstruct(tmp_path / "view.h5", tmp_path / "out.h5", *PLAIN)[0] == 0
    with h5py.File(tmp_path / "raw.h5", "r+") as file:
        del file["patterns"]
    refused(*reconstruct(tmp_path / "view.h5", tmp_path / "no.h5", *PLAIN), "raw.h5", "has no patterns", expected=1)
    with h5py.File(tmp_path / "raw.h5", "r+") as file:
        file["patterns"] = np.ones((3, 64, 64), np.float32)
    refused(*reconstruct(tmp_path / "view.h5", tmp_path / "no.h5", *PLAIN), "raw.h5", "too short", expected=1)


def test_external_storage_that_is_missing_or_cut_is_refused(tmp_path):
    values = np.ones((2, 64, 64), np.float32)
    external = [(str(tmp_path / "values.bin"), 0, values.nbytes)]
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file.create_dataset("patterns", data=values, external=external)
    assert reconstruct(tmp_path / "set.h5", tmp_path / "out.h5", *PLAIN)[0] == 0
    os.truncate(tmp_path / "values.bin", 1000)
    refused(*reconstruct(tmp_path / "set.h5", tmp_path / "no.h5", *PLAIN), "values.bin", "too short", expected=1)
    (tmp_path / "values.bin").unlink()
    refused(*reconstruct(tmp_path / "set.h5", tmp_path / "no.h5", *PLAIN), "values.bin", "missing", expected=1)


def test_a_filter_that_is_not_there_is_named(tmp_path):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file.create_dataset("patterns", data=np.ones((2, 64, 64), np.float32), compression="lzf")  # h5py's own
    refused(*reconstruct(tmp_path / "set.h5", tmp_path / "out.h5", *PLAIN), "filter 32000 (lzf)", "HDF5_PLUGIN_PATH", expected=1)


def test_a_file_that_another_program_writes_is_called_that(tmp_path):
    for path, version in ((tmp_path / "new.h5", "latest"), (tmp_path / "old.h5", "earliest")):
        writer = h5py.File(path, "w", libver=version)
        writer.create_dataset("other", data=np.ones(4))
        if version == "earliest":
            writer.flush()
        refused(*reconstruct(path, tmp_path / "out.h5", *PLAIN), "open for writing by another program", expected=1)
        writer.close()


def test_reading_never_refuses_a_writer(tmp_path):
    simulated_dataset(tmp_path / "set.h5", 3000)
    words = [tmp_path / "set.h5", tmp_path / "out.h5", "--model", "none", "--schedule", "200*HIO", "--batch", "1"]
    reader = subprocess.Popen([BIN / "flashphase-reconstruct", *map(str, words)], stdout=subprocess.DEVNULL)
    wait_until("the reader's part file", lambda: (tmp_path / "out.h5.part").exists())
    with h5py.File(tmp_path / "set.h5", "r+") as file:  # locks the file
        file.attrs["written"] = 1
    assert reader.poll() is None
    reader.terminate()
    reader.wait(timeout=60)


@pytest.mark.parametrize("shape, hint", [((64, 64), "[1, 64, 64]"), ((5, 1, 64, 64), "[5, 64, 64]"), ((64,), "[N, size, size]")])
def test_a_shape_that_is_nearly_right_gets_a_hint(tmp_path, shape, hint):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["patterns"] = np.ones(shape, np.float32)
    refused(*reconstruct(tmp_path / "set.h5", tmp_path / "out.h5", *PLAIN), hint, expected=1)


def test_a_file_without_frames_is_refused_by_all(tmp_path):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["patterns"] = np.ones((0, 64, 64), np.float32)
        file["objects"] = np.ones((0, 32, 32), np.complex64)
    endpoint = ["--endpoint", "tcp://127.0.0.1:9"]
    for name, words in (("flashphase-replay", [tmp_path / "set.h5", *endpoint, "--frames", 1]),
                        ("flashphase-sim", ["--dataset", tmp_path / "set.h5", *endpoint, "--frames", 1]),
                        ("flashphase-reconstruct", [tmp_path / "set.h5", tmp_path / "out.h5", *PLAIN]),
                        ("flashphase-train", ["evaluate", "--model", "none", "--data", tmp_path / "set.h5"])):
        refused(*program(name, *words), "holds no pattern", expected=2)

#Masks and marks


def masked(tmp_path, mask, **attributes):
    path = tmp_path / "masked.h5"
    with h5py.File(tmp_path / "plain.h5") as plain, h5py.File(path, "w") as file:
        file["patterns"] = plain["patterns"][:]
        file["mask"] = mask
        file["mask"].attrs.update(attributes)
    return path


def test_masks_of_other_conventions_are_read_as_they_say_or_refused(tmp_path):
    simulated_dataset(tmp_path / "plain.h5", 2)
    good = np.ones((64, 64), np.uint8)
    good[30:34] = 0
    out = tmp_path / "out.h5"

    def residual(mask, **attributes):
        code, said = reconstruct(masked(tmp_path, mask, **attributes), out, *PLAIN, "--overwrite")
        assert code == 0, said
        with h5py.File(out) as file:
            return file["residual"][:], said

    wanted, said = residual(good)
    assert "7680 of 8192 pixels are measured (93.8 %)" in said and "wrong way round" not in said
    reasons = np.where(good, 0x10000, 0x10003).astype(np.uint32)
    assert np.array_equal(residual(reasons, convention="cxi")[0], wanted)
    assert np.array_equal(residual(good.astype(np.int64), convention="measured")[0], wanted)
    refused(*reconstruct(masked(tmp_path, np.where(good, 0, 2)), out, *PLAIN, "--overwrite"), "1 (measured) and 0", "not 2", "cxi",
            expected=1)
    refused(*reconstruct(masked(tmp_path, good.astype(np.int16) * 257), out, *PLAIN, "--overwrite"), "not 257", expected=1)
    refused(*reconstruct(masked(tmp_path, good, convention="napari"), out, *PLAIN, "--overwrite"), "napari", expected=1)
    assert "less than half: is the mask the wrong way round?" in residual(1 - good)[1]


def test_the_check_says_what_a_calibration_mask_leaves(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[:10] = 1
    with h5py.File(tmp_path / "calibration.h5", "w") as file:
        file["mask"] = mask
    (tmp_path / "config.yaml").write_text(f"source: [{{endpoint: 'tcp://127.0.0.1:5601'}}]\npreprocess: {{calibration: {tmp_path}/calibration.h5}}\n")
    code, said = program("flashphased", "-c", tmp_path / "config.yaml", "--check")
    assert code == 0 and "640 of 4096 pixels are measured (15.6 %), less than half" in said, said


def test_what_detectors_write_into_bad_pixels_is_not_measured(tmp_path):
    simulated_dataset(tmp_path / "plain.h5", 2)
    with h5py.File(tmp_path / "plain.h5") as file:
        counts = np.rint(file["patterns"][:] * 10)
    for dtype, marks in ((np.int32, (-1, -2, 2**31 - 1)), (np.uint32, (2**32 - 1, 2**32 - 2)), (np.uint16, (65535, 65534)),
                         (np.int16, (-1, 32767))):
        for mark in marks:
            values = np.minimum(counts, np.iinfo(dtype).max // 2).astype(dtype)
            values[:, :, 28:32] = mark
            with h5py.File(tmp_path / "marked.h5", "w") as file:
                file["patterns"] = values
            code, said = reconstruct(tmp_path / "marked.h5", tmp_path / "out.h5", *PLAIN, "--overwrite")
            assert code == 0 and "7680 of 8192 pixels are measured" in said, (dtype, mark, said)


def test_frames_without_an_image_are_named(tmp_path):
    simulated_dataset(tmp_path / "plain.h5", 5)
    with h5py.File(tmp_path / "plain.h5", "r+") as file:
        patterns = file["patterns"]
        patterns[0] = 0
        patterns[2] = np.eye(64)[:1].T * np.eye(64)[:1]  # one photon
        line = np.zeros((64, 64))
        line[32] = 5
        patterns[3] = line
    code, said = reconstruct(tmp_path / "plain.h5", tmp_path / "out.h5", *PLAIN)
    assert code == 0 and "no image in frames 0, 2, 3: " in said, said
    code, said = reconstruct(tmp_path / "plain.h5", tmp_path / "none.h5", *PLAIN, "--frames", "0,2,3")
    refused(code, said, "no frame holds an image", expected=1)
    assert not list(tmp_path.glob("none*"))

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

#Memory and the end


def limit_memory_to(size):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def test_two_frames_of_a_large_file_take_the_memory_of_two(tmp_path):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as file:  # 6.5 GB of patterns, none of them on the disk but two
        patterns = file.create_dataset("patterns", (400000, 64, 64), np.float32, chunks=(1, 64, 64))
        with h5py.File(simulated_dataset(tmp_path / "two.h5", 2)) as two:
            patterns[:2] = two["patterns"][:]
    limit = limit_memory_to(3 << 30)
    code, said = reconstruct(path, tmp_path / "out.h5", *PLAIN, "--frames", "0,1", preexec_fn=limit)
    assert code == 0, said
    assert reconstruct(tmp_path / "two.h5", tmp_path / "same.h5", *PLAIN)[0] == 0
    with h5py.File(tmp_path / "out.h5") as one, h5py.File(tmp_path / "same.h5") as other:
        assert np.array_equal(one["objects"][:], other["objects"][:]) and list(one["frames"]) == [0, 1]
    code, said = program("flashphase-train", "evaluate", "--model", "none", "--data", path, preexec_fn=limit)
    refused(code, said, "no /objects", expected=1)
    receiver = subprocess.Popen([sys.executable, "-c", "import zmq; s = zmq.Context().socket(zmq.PULL); p = s.bind_to_random_port('tcp://127.0.0.1'); "
                                 "print(p, flush=True)\nwhile True: s.recv_multipart()"], stdout=subprocess.PIPE, text=True)
    try:
        endpoint = f"tcp://127.0.0.1:{receiver.stdout.readline().strip()}"
        for words in (["flashphase-replay", path, "--endpoint", endpoint, "--frames", 4, "--speed", "max"],
                      ["flashphase-sim", "--dataset", path, "--endpoint", endpoint, "--frames", 4, "--rate", "max"]):
            code, said = program(*words, preexec_fn=limit)
            assert code == 0, said
    finally:
        receiver.kill()
        receiver.wait()


def test_too_little_memory_is_said_in_a_sentence(tmp_path):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file.create_dataset("patterns", (1, 16384, 16384), np.float32, chunks=(1, 1024, 1024))
    words = [tmp_path / "set.h5", tmp_path / "out.h5", "--schedule", "random", "--threads", 1]
    refused(*reconstruct(*words, preexec_fn=limit_memory_to(3 << 30)), "memory", expected=1)
    assert not list(tmp_path.glob("out*"))


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
