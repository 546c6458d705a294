"""Files that the programs read: what is wrong with one is said before the work, and nobody takes zeros for data."""

import os
import resource
import subprocess
import sys

import h5py
import numpy as np
import pytest

from files import PLAIN, program, reconstruct, refused
from flashphase import BIN, wait_until
from test_results import simulated_dataset

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

#Memory


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
