"""Bad frames are counted by reason and the service goes on; bad configurations are refused with exit 2 and a sentence."""

import socket
import subprocess

import h5py
import numpy as np
import pytest

from flashphase import BIN, Daemon, assert_accounted, run, simulate

FRAMES = 300

REASONS = {
    "truncated": "bad_pixels",
    "oversized": "bad_pixels",
    "wrong-dtype": "unsupported_dtype",
    "wrong-shape": "wrong_shape",
    "nan": "nothing_measured",
    "negative": "no_signal",
    "all-zero": "no_signal",
    "garbage": "bad_message",
    "duplicate": "duplicate",
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One daemon for all faults: each finds it working after the one before."""
    with Daemon(tmp_path_factory.mktemp("daemon")) as running:
        yield running


def with_fault(daemon, fault):
    """Sends a run with a fifth of its frames spoilt; what was sent, the status before and after."""
    before = daemon.status()
    sent = simulate(daemon, "--frames", FRAMES, "--rate", 2000, "--fault", f"{fault}=0.2")
    assert sent["faults"][fault] > 0
    after = daemon.wait_until_done(before["received"] + sent["sent"])
    assert_accounted(after)
    return sent, before, after


def test_every_spoilt_frame_is_rejected_for_the_right_reason(daemon):
    for fault, reason in REASONS.items():
        sent, before, after = with_fault(daemon, fault)
        rejected = {name: after["rejected"][name] - before["rejected"][name] for name in after["rejected"]}
        expected = {name: sent["faults"][fault] if name == reason else 0 for name in rejected}
        assert rejected == expected, fault
        assert after["published"] - before["published"] == sent["frames"], fault
        assert after["sources"]["detector"]["missing"] == 0, fault


def test_a_gap_in_the_sequence_is_counted_and_nothing_is_rejected(daemon):
    gaps = daemon.metric("flashphase_sequence_gaps_total")
    missing = daemon.metric("flashphase_sequence_missing_frames_total")
    sent, before, after = with_fault(daemon, "gap")
    assert daemon.metric("flashphase_sequence_gaps_total") > gaps
    # A number left out before the very first frame is no gap: the run is taken to begin where it begins.
    assert 0 <= missing + sent["faults"]["gap"] - daemon.metric("flashphase_sequence_missing_frames_total") <= 1
    assert after["published"] - before["published"] == FRAMES


def test_a_second_begin_without_end_is_counted_and_nothing_is_rejected(daemon):
    count = daemon.metric("flashphase_run_events_total", event="missing_end")
    sent, before, after = with_fault(daemon, "double-begin")
    assert daemon.metric("flashphase_run_events_total", event="missing_end") - count == sent["faults"]["double-begin"]
    assert after["published"] - before["published"] == FRAMES


def test_frames_whose_pixels_are_all_masked_are_rejected(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[0, 0] = 1  # a mask without any measured pixel is refused; this one lies outside the pattern
    with h5py.File(tmp_path / "calibration.h5", "w") as file:
        file["mask"] = mask
    preprocess = {"calibration": str(tmp_path / "calibration.h5"), "centre_y": 63, "centre_x": 63}
    with Daemon(tmp_path, preprocess=preprocess) as daemon:
        simulate(daemon, "--frames", 50, "--rate", 500)
        status = daemon.wait_until_done(50)
    assert status["rejected"]["nothing_measured"] == 50 and status["published"] == 0
    assert_accounted(status)


def test_a_message_over_the_limit_ends_that_peer_and_not_the_service(tmp_path):
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file["patterns"] = np.ones((3, 256, 256), np.float32)
    with Daemon(tmp_path, source={"max_message_bytes": 32768}) as daemon:
        run("flashphase-replay", tmp_path / "large.h5", "--endpoint", daemon.frames, check=False)
        simulate(daemon, "--frames", 10)
        status = daemon.wait_until_done(10)
    assert (status["received"], status["published"]) == (10, 10)


def refused(tmp_path, text, *words):
    """What flashphased says when it refuses this configuration."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    result = subprocess.run([BIN / "flashphased", "-c", path, *words], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2, (result.returncode, result.stderr)
    return result.stderr


SOURCE = 'source: [{endpoint: "tcp://127.0.0.1:*", bind: true}]\npublish: {endpoint: "tcp://127.0.0.1:*"}\nhttp: {port: 0}\n'


def test_configurations_are_refused_with_the_path_of_what_is_wrong(tmp_path):
    for text, said in (
        (SOURCE + "batch: {sise: 16}", ["batch.sise"]),
        (SOURCE + "batch: {size: many}", ["batch.size"]),
        (SOURCE + "batch: {size: 0}", ["batch.size"]),
        (SOURCE + "refine: {policy: sometimes}", ["refine.policy", "above_residual"]),
        (SOURCE + "refine: {schedule: 5*FOO}", ["refine.schedule"]),
        (SOURCE + "infer: {model: nowhere.fpm}", ["infer.model", "nowhere.fpm"]),
        (SOURCE + "preprocess: {calibration: nowhere.h5}", ["preprocess.calibration", "nowhere.h5"]),
        ("batch: {size: 1}", ["source"]),
        ("source: [{socket: pull}]", ["source[0].endpoint"]),
        ("batch: [", ["line 1"]),
    ):
        message = refused(tmp_path, text)
        assert all(word in message for word in said), message


def test_a_corrupt_model_is_refused(tmp_path):
    (tmp_path / "broken.fpm").write_bytes(b"not a model" * 1000)
    message = refused(tmp_path, SOURCE + "infer: {model: broken.fpm}")
    assert "infer.model" in message and "broken.fpm" in message


def test_ports_in_use_are_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        endpoint = f"tcp://127.0.0.1:{port}"
        assert "source[0]" in refused(tmp_path, SOURCE, "--set", f"source.0.endpoint={endpoint}")
        assert "publish" in refused(tmp_path, SOURCE, "--set", f"publish.endpoint={endpoint}")
        assert "http" in refused(tmp_path, SOURCE, "--set", f"http.port={port}")


def test_check_accepts_a_good_configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SOURCE)
    assert subprocess.run([BIN / "flashphased", "-c", path, "--check"], timeout=60).returncode == 0
