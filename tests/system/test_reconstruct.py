"""flashphase-reconstruct on many starts: what it writes, what it refuses, and measured frames against their bars."""

import os
import pathlib
import re
import subprocess

import h5py
import numpy as np
import pytest

from flashphase import BIN, ROOT, run
from test_results import modulus_chi2, simulated_dataset

REAL_DATA = pathlib.Path(os.environ.get("FLASHPHASE_REAL_DATA", ROOT.parent / "shared" / "data")) / "aps34idc_scan54_64.h5"
needs_data = pytest.mark.skipif(not REAL_DATA.exists(), reason=f"{REAL_DATA} is not here; FLASHPHASE_REAL_DATA names its folder")


def reconstruct(dataset, output, *words):
    run("flashphase-reconstruct", dataset, output, *words)
    with h5py.File(output) as file:
        return {name: file[name][()] for name in file} | {"attributes": dict(file.attrs)}


def correlation(image, truth):
    """|cross-correlation| at its largest over translations and the twin, on unit energies; whole pixels."""
    size = 2 * max(image.shape[0], truth.shape[0])

    def spectrum(object_):
        whole = np.zeros((size, size), complex)
        at = (size - object_.shape[0]) // 2
        whole[at : at + object_.shape[0], at : at + object_.shape[0]] = object_
        return np.fft.fft2(whole / np.sqrt((np.abs(whole) ** 2).sum()))

    a, b = spectrum(image), spectrum(truth)
    return max(np.abs(np.fft.ifft2(np.conj(x) * b)).max() for x in (a, np.conj(a)))


def test_random_starts_need_no_model_and_say_how_far_they_agree(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 3)
    out = reconstruct(dataset, tmp_path / "out.h5", "--schedule", "random", "--starts", 6, "--unwrap")
    assert out["objects"].shape == out["support"].shape == out["unwrapped_phase"].shape == (3, 32, 32)
    assert out["agreement"].shape == out["resolution"].shape == (3,) and out["agreement"].dtype == np.float32
    assert out["prtf"].shape == (3, 33) and out["prtf"].dtype == np.float32
    assert np.all((out["agreement"] > 0) & (out["agreement"] <= 1.0001))
    assert np.all(out["refined_residual"] < out["residual"])
    assert out["attributes"]["schedule"].decode() == "random" and "6" in out["attributes"]["starts"].decode()
    with h5py.File(dataset) as file:
        assert np.allclose(out["refined_residual"], modulus_chi2(out["objects"], file["patterns"][:]), rtol=1e-2, atol=1e-6)
    inside = out["support"] > 0
    assert np.all(out["objects"][~inside] == 0) and np.all(out["unwrapped_phase"][~inside] == 0)
    turns = (out["unwrapped_phase"] - np.angle(out["objects"]))[inside] / (2 * np.pi)
    assert np.allclose(turns, np.round(turns), atol=1e-4)


def test_what_a_frame_gets_depends_on_its_pattern_and_the_seed_alone(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 5)
    words = ["--schedule", "20*HIO+5*ER+SW(from=5)", "--from", "random", "--starts", 4, "--unwrap"]
    whole = reconstruct(dataset, tmp_path / "whole.h5", *words, "--batch", 5)
    pieces = reconstruct(dataset, tmp_path / "pieces.h5", *words, "--batch", 2)
    some = reconstruct(dataset, tmp_path / "some.h5", *words, "--frames", "4,1")
    other = reconstruct(dataset, tmp_path / "other.h5", *words, "--seed", 2)
    with h5py.File(dataset) as file, h5py.File(tmp_path / "last_first.h5", "w") as turned:
        turned["patterns"] = file["patterns"][:][::-1]
    elsewhere = reconstruct(tmp_path / "last_first.h5", tmp_path / "elsewhere.h5", *words)
    assert np.array_equal(whole["objects"], pieces["objects"])
    assert list(some["frames"]) == [4, 1] and np.array_equal(some["objects"], whole["objects"][[4, 1]])
    assert np.array_equal(elsewhere["objects"][::-1], whole["objects"])
    assert not np.array_equal(other["objects"], whole["objects"])


def test_a_given_support_is_never_left(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 2)
    limit = np.zeros((32, 32), np.uint8)
    limit[4:28, 6:26] = 1
    each = np.stack([limit, limit.T]).astype(bool)
    for support, name in ((limit, "common.h5"), (each, "each.h5")):
        with h5py.File(tmp_path / name, "w") as file:
            file["support"] = support
        for words in (["--schedule", "random", "--starts", 4], ["--model", "none", "--schedule", "paper", "--starts", 2]):
            out = reconstruct(dataset, tmp_path / "out.h5", "--support", tmp_path / name, *words, "--overwrite")
            outside = np.broadcast_to(support == 0, out["support"].shape)
            assert np.all(out["support"][outside] == 0) and np.all(out["objects"][outside] == 0)
            assert np.any(out["objects"] != 0, axis=(1, 2)).all()


def test_pixels_held_out_tell_how_well_they_are_foretold(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 2)
    words = ["--model", "none", "--starts", 4, "--choose", "free", "--hold-out", 0.05]
    good = reconstruct(dataset, tmp_path / "good.h5", *words, "--schedule", "200*HIO+100*ER")
    poor = reconstruct(dataset, tmp_path / "poor.h5", *words, "--schedule", "ER")
    assert good["free_log_likelihood"].shape == (2,)
    assert np.all(good["free_log_likelihood"] > poor["free_log_likelihood"])


def test_one_start_says_nothing_about_agreement(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 1)
    out = reconstruct(dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "10*ER")
    assert not {"agreement", "prtf", "resolution", "free_log_likelihood", "unwrapped_phase"} & set(out)


def test_a_network_answers_four_views_and_the_best_of_them_comes_out(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 12)
    one = reconstruct(dataset, tmp_path / "one.h5", "--starts", 1)
    four = reconstruct(dataset, tmp_path / "four.h5", "--starts", 4, "--choose", "residual")
    assert np.array_equal(one["residual"], four["residual"])
    ratio = four["refined_residual"] / one["refined_residual"]
    assert np.all(ratio < 1.3), ratio  # laying another view's image onto the first one's place costs a little
    assert np.median(ratio) < 0.8, ratio
    assert np.all((four["agreement"] > 0) & (four["agreement"] <= 1.0001)) and np.ptp(four["agreement"]) > 0


def test_explain_says_of_each_frame_why_it_was_left(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 4)
    out = reconstruct(dataset, tmp_path / "out.h5", "--schedule", "explain", "--budget", 3000)
    assert out["explained"].shape == out["iterations"].shape == (4,) and out["explained"].dtype == np.uint8
    assert np.all((out["iterations"] >= 1) & (out["iterations"] <= 3000))
    assert set(out["explained"]) <= {0, 1, 2}
    alone = out["iterations"] <= 100  # nothing to compare with
    assert np.array_equal(np.isnan(out["agreement"]), alone) and np.array_equal(np.isnan(out["resolution"]), alone)
    assert np.all(out["refined_residual"] <= out["residual"] * 1.001)
    few = reconstruct(dataset, tmp_path / "few.h5", "--schedule", "explain", "--budget", 100)
    assert np.all(few["iterations"] <= 100) and np.all(out["refined_residual"] <= few["refined_residual"])
    said = run("flashphase-reconstruct", dataset, tmp_path / "said.h5", "--schedule", "explain", "--budget", 3000).stdout
    assert f"{np.sum(out['explained'] == 2)} explained and {np.sum(out['explained'] == 1)} reproduced" in said


def test_what_comes_out_does_not_depend_on_the_number_of_threads(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 7)
    words = ["--schedule", "20*HIO+5*ER", "--batch", 2]
    one = reconstruct(dataset, tmp_path / "one.h5", *words, "--threads", 1)
    three = reconstruct(dataset, tmp_path / "three.h5", *words, "--threads", 3)
    for name in ("objects", "support", "residual", "refined_residual", "agreement", "prtf", "frames"):
        assert np.array_equal(one[name], three[name]), name
    few, pieces = tmp_path / "few.h5", tmp_path / "pieces.h5"
    words = ["--schedule", "random", "--starts", 5]
    reconstruct(dataset, few, *words, "--threads", 1)
    reconstruct(dataset, pieces, *words, "--batch", 1)
    assert few.read_bytes() == pieces.read_bytes()


def test_one_frame_of_many_starts_gives_the_same_file_on_all_cores(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 1)
    for words in ([], ["--generations", 2, "--choose", "agreement"], ["--hold-out", 0.05, "--choose", "free"]):
        files = [tmp_path / "one.h5", tmp_path / "all.h5"]
        for file, threads in zip(files, (1, 0)):
            reconstruct(dataset, file, "--schedule", "20*HIO+5*ER+SW", "--from", "random", *words, "--threads", threads, "--overwrite")
        assert files[0].read_bytes() == files[1].read_bytes()


def test_more_threads_than_cores_are_as_many_as_there_are_cores(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 2)
    result = run("flashphase-reconstruct", dataset, tmp_path / "out.h5", "--model", "none", "--schedule", "10*ER", "--threads", 1000)
    assert re.search(r"--threads 1000 is more than the cores .* which are \d+\n", result.stderr)


def test_a_file_without_frames_is_refused(tmp_path):
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file.create_dataset("patterns", (0, 64, 64), np.float32, maxshape=(None, 64, 64))
    assert "holds no pattern" in refused(tmp_path / "none.h5", tmp_path / "out.h5", "--model", "none")
    (tmp_path / "empty.h5").write_bytes(b"")
    result = run("flashphase-reconstruct", tmp_path / "empty.h5", tmp_path / "out.h5", "--model", "none", check=False)
    assert result.returncode == 1 and "empty.h5" in result.stderr and not (tmp_path / "out.h5").exists()


def test_memory_does_not_go_with_the_length_of_the_file(tmp_path):
    with h5py.File(simulated_dataset(tmp_path / "few.h5", 20)) as file:
        few = file["patterns"][:]
    with h5py.File(tmp_path / "many.h5", "w") as file:  # 66 MB of patterns; their results are as large
        file.create_dataset("patterns", data=np.tile(few, (200, 1, 1)), chunks=(16, 64, 64), compression="gzip")

    def peak(dataset):
        process = subprocess.Popen([BIN / "flashphase-reconstruct", dataset, tmp_path / "out.h5", "--overwrite", "--model", "none",
                                    "--schedule", "none", "--unwrap"], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_maxrss / 1024

    assert peak(tmp_path / "many.h5") < peak(tmp_path / "few.h5") + 25  # MB


def test_a_frame_without_a_measured_pixel_spoils_no_other(tmp_path):
    dataset = simulated_dataset(tmp_path / "run.h5", 4)
    whole = reconstruct(dataset, tmp_path / "whole.h5", "--schedule", "20*HIO+5*ER")
    with h5py.File(dataset, "r+") as file:
        mask = np.ones(file["patterns"].shape, np.uint8)
        mask[2] = 0
        file["mask"] = mask
    result = run("flashphase-reconstruct", dataset, tmp_path / "out.h5", "--schedule", "20*HIO+5*ER")
    assert "no image in frames 2: " in result.stderr
    with h5py.File(tmp_path / "out.h5") as file:
        objects, residual = file["objects"][:], file["refined_residual"][:]
        assert all(np.all(np.isfinite(file[name][()])) for name in file if name != "recipe")
    assert np.all(objects[2] == 0) and residual[2] == 1
    assert np.array_equal(objects[[0, 1, 3]], whole["objects"][[0, 1, 3]])


def test_results_of_chosen_frames_are_drawn_beside_their_own_patterns(tmp_path):
    pytest.importorskip("matplotlib")
    dataset = simulated_dataset(tmp_path / "run.h5", 4)
    run("flashphase-reconstruct", dataset, tmp_path / "chosen.h5", "--model", "none", "--frames", "1,3")
    run("flashphase-reconstruct", dataset, tmp_path / "all.h5", "--model", "none")
    draw = lambda results, *words: subprocess.run(
        ["/usr/bin/python3", ROOT / "tools/plot_reconstructions.py", dataset, tmp_path / results, tmp_path / f"{results}.png", *words],
        capture_output=True, text=True)
    assert draw("chosen.h5").returncode == 0 and draw("all.h5", "--frames", "1,3").returncode == 0
    assert (tmp_path / "chosen.h5.png").read_bytes() == (tmp_path / "all.h5.png").read_bytes()
    assert "partial" not in draw("chosen.h5").stderr
    with h5py.File(tmp_path / "chosen.h5", "r+") as file:
        file.attrs["complete"], file.attrs["frames_asked"] = False, 9
    assert "is partial: 2 of 9 frames" in draw("chosen.h5").stderr
    refusal = draw("chosen.h5", "--frames", "2")
    assert refusal.returncode == 2 and "no frame 2" in refusal.stderr


def counted_dataset(path, count, photons=1e5):
    with h5py.File(simulated_dataset(path, count), "r+") as file:
        patterns = file["patterns"][:]
        scale = photons / patterns.sum(axis=(1, 2), keepdims=True)
        file["patterns"][:] = np.random.default_rng(1).poisson(patterns * scale)
    return path


def test_a_split_test_judges_by_the_half_of_the_counts_that_took_no_part(tmp_path):
    dataset = counted_dataset(tmp_path / "run.h5", 6)
    loose = reconstruct(dataset, tmp_path / "loose.h5", "--split-test", "--schedule", "random", "--starts", 2, "--batch", 4)
    alone = reconstruct(dataset, tmp_path / "alone.h5", "--split-test", "--schedule", "none")
    for out in (loose, alone):
        assert {out[name].shape for name in ("split_seen", "split_unseen", "split_noise")} == {(6,)}
        assert np.all(out["split_unseen"] > 0.6 * out["split_noise"])
    assert np.allclose(loose["split_seen"], loose["refined_residual"], rtol=1e-3)
    assert np.all(loose["split_seen"] < 0.9 * loose["split_unseen"]) and np.all(loose["split_seen"] < loose["split_noise"])
    again = reconstruct(dataset, tmp_path / "again.h5", "--split-test", "--schedule", "none", "--frames", "5,1", "--threads", 1)
    assert np.array_equal(again["split_unseen"], alone["split_unseen"][[5, 1]])
    other = reconstruct(dataset, tmp_path / "other.h5", "--split-test", "--schedule", "none", "--seed", 2)
    assert np.all(other["split_unseen"] != alone["split_unseen"])
    said = run("flashphase-reconstruct", dataset, tmp_path / "said.h5", "--split-test", "--schedule", "none").stdout
    assert re.search(r"split test median 0\.\d+ on the half seen and 0\.\d+ on the unseen one, where counting leaves 0\.", said)


def test_a_split_test_needs_photons(tmp_path):
    message = refused(simulated_dataset(tmp_path / "run.h5", 2), tmp_path / "out.h5", "--split-test", "--model", "none")
    assert "frame 0 does not hold counts" in message and "photons" in message
    assert not (tmp_path / "out.h5").exists()


def binned_ellipses(path, semi_axis, count=8, photons=1e6):
    """Particles of these semi-axes in frames of 128 pixels, counted and binned to 64 x 64 with their spectra's middle in place."""
    generator = np.random.default_rng(3)
    y, x = np.mgrid[-64:64, -64:64]
    patterns = np.zeros((count, 64, 64), np.float32)
    for i in range(count):
        a, b = semi_axis * generator.uniform(0.9, 1.1, 2)
        object_ = ((x / a) ** 2 + (y / b) ** 2 < 1) * np.exp(1j * np.cos(x / 9 + generator.uniform(0, 6)) * np.sin(y / 8))
        pattern = np.abs(np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(object_)))) ** 2
        counts = generator.poisson(photons * pattern / pattern.sum())
        counts = np.roll(counts, (1, 1), (0, 1))  # a bin holds zero of Q and three neighbours
        patterns[i] = counts.reshape(64, 2, 64, 2).sum((1, 3))
    with h5py.File(path, "w") as file:
        file["patterns"] = patterns
    return path


def remarks_of(out):
    """Of each result the names of what speaks against it."""
    names = out["attributes"]["remarks"].decode().split(",")
    return [{name for bit, name in enumerate(names) if bits >> bit & 1} for bits in out["remarks"]]


def test_an_object_larger_than_the_square_is_out_of_domain_and_the_reason_is_said(tmp_path):
    for name, semi_axis, said in (("large.h5", 26, 8), ("fits.h5", 12, 0)):
        dataset = binned_ellipses(tmp_path / name, semi_axis)
        for words in (["--schedule", "none"], ["--schedule", "random", "--starts", 2]):
            out = reconstruct(dataset, tmp_path / "out.h5", *words, "--overwrite")
            assert [("too_large" in remarks) for remarks in remarks_of(out)].count(True) == said
    result = run("flashphase-reconstruct", tmp_path / "large.h5", tmp_path / "said.h5", "--schedule", "none", "--frames", "1,4,6")
    assert "3 of 3 frames outside the domain: the object is larger than the square; bin less (frames 1, 4, 6)\n" in result.stderr


def test_a_fit_of_the_noise_and_a_support_without_an_edge_are_said(tmp_path):
    dataset = counted_dataset(tmp_path / "run.h5", 4, photons=1e4)
    assert remarks_of(reconstruct(dataset, tmp_path / "honest.h5")) == [set()] * 4
    with h5py.File(dataset, "r+") as file:  # too few pixels for a support as wide as the square
        file["mask"] = np.random.default_rng(2).integers(0, 2, (64, 64)).astype(np.uint8)
    words = ["--schedule", "200*AER", "--from", "random", "--starts", 1]
    out = reconstruct(dataset, tmp_path / "out.h5", *words)
    assert np.all(out["support"].mean((1, 2)) > 0.8) and remarks_of(out) == [{"overfitted", "wide_support"}] * 4
    said = run("flashphase-reconstruct", dataset, tmp_path / "said.h5", *words).stderr
    assert "4 of 4 frames: over-fitted, more of the counting noise is in the image than beside it (frames 0, 1, 2, 3)\n" in said
    assert "4 of 4 frames: its support fills over 80 % of the square (frames 0, 1, 2, 3)\n" in said


def refused(*words):
    result = run("flashphase-reconstruct", *words, check=False)
    assert result.returncode == 2, (words, result.returncode, result.stderr)
    return result.stderr


def test_wrong_usage_is_refused_with_a_sentence(tmp_path):
    dataset, out = simulated_dataset(tmp_path / "run.h5", 2), tmp_path / "out.h5"
    for words, said in (
        (["--starts", "0"], "--starts"),
        (["--starts", "many"], "--starts"),
        (["--threads", "-1"], "--threads"),
        (["--backend", "tpu"], "--backend"),
        (["--seed", "today"], "--seed"),
        (["--seed", "-1"], "--seed"),
        (["--spread", "9"], "--spread"),
        (["--choose", "best"], "--choose"),
        (["--choose", "free", "--starts", "2"], "--hold-out"),
        (["--hold-out", "0.5"], "--hold-out"),
        (["--generations", "0"], "--generations"),
        (["--frames", "2"], "frames 0 to 1, no frame 2"),
        (["--from", "random", "--schedule", "none"], "needs a schedule"),
        (["--schedule", "3*(HIO"], "column"),
        (["--budget", "1000"], "--budget is one of --schedule explain"),
        (["--schedule", "explain", "--budget", "0"], "--budget"),
        (["--schedule", "explain", "--from", "random"], "for random starts"),
        (["--schedule", "explain", "--choose", "free", "--hold-out", "0.1"], "holds no pixels out"),
    ):
        assert said in refused(dataset, out, "--model", "none", *words), words
    assert not out.exists()


def test_a_support_that_does_not_fit_is_refused(tmp_path):
    dataset, out = simulated_dataset(tmp_path / "run.h5", 2), tmp_path / "out.h5"
    for support, said in (
        (np.ones((32, 31), np.uint8), "[32, 32] or [2, 32, 32], not [32, 31]"),
        (np.ones((3, 32, 32), np.uint8), "not [3, 32, 32]"),
        (np.zeros((32, 32), np.uint8), "is empty"),
        (np.stack([np.ones((32, 32), bool), np.zeros((32, 32), bool)]), "empty for frame 1"),
        (np.ones((32, 32)), "integers or booleans"),
        (np.uint8(1), "not []"),
    ):
        with h5py.File(tmp_path / "support.h5", "w") as file:
            file["support"] = support
        for model in (["--model", "none"], ["--schedule", "random", "--starts", "2"]):
            assert said in refused(dataset, out, "--support", tmp_path / "support.h5", *model)
    (tmp_path / "text.h5").write_text("no HDF5")
    result = run("flashphase-reconstruct", dataset, out, "--model", "none", "--support", tmp_path / "text.h5", check=False)
    assert result.returncode == 1 and "text.h5" in result.stderr


BARS = {80: (0.0140, 0.588), 92: (0.0022, 0.963), 99: (0.0018, 0.985), 106: (0.0050, 0.869), 112: (0.0085, 0.891)}


@needs_data
@pytest.mark.parametrize("seed", [1, 2])
def test_random_starts_on_measured_frames_fit_better_and_lie_nearer_than_the_best_of_48(tmp_path, seed):
    """The bars of docs/phase-retrieval.md, which has the figures of twelve seeds."""
    out = reconstruct(REAL_DATA, tmp_path / "out.h5", "--schedule", "random", "--starts", 48, "--seed", seed,
                      "--frames", ",".join(map(str, BARS)))
    with h5py.File(REAL_DATA) as file:
        frames, objects = list(file["reference/frame"][:]), file["reference/object"][:]
    for i, (frame, (chi2, bar)) in enumerate(BARS.items()):
        truths = [frame] if frame in frames else [frame - 1, frame + 1]
        reached = max(correlation(out["objects"][i], objects[frames.index(f)]) for f in truths)
        assert out["refined_residual"][i] <= chi2, frame
        assert reached >= bar, frame
