"""The refine pool through the real programs: how far several starts agree, and which frames are refined at all."""

import contextlib
import json
import pathlib

import h5py
import numpy as np
import pytest

from flashphase import MODEL, Daemon, Subscriber, assert_accounted, replay, simulate, wait_until, watcher
from test_reconstruct import correlation
from test_results import simulated_dataset


def test_several_starts_say_how_far_they_agree(tmp_path):
    with Daemon(tmp_path, refine={"policy": "all", "starts": 3, "schedule": "30*HIO+10*ER"}) as daemon:
        with Subscriber(daemon) as subscriber, watcher(daemon) as finish:
            simulate(daemon, "--frames", 12, "--rate", 100, "--photons", 1e7)
            wait_until("all refined", lambda: daemon.status()["refined"] == 12)
            latest = json.loads(daemon.get("/api/v1/latest"))
            counted = daemon.metric("flashphase_agreement_count")
            wire = subscriber.results(24)
            assert daemon.terminate() == 0
            results, _ = finish()
    assert counted == 12
    refined = [r for r in results if r["stage"] == "refined"]
    assert len(refined) == 12
    assert all(0 <= r["agreement"] <= 1.0001 and 2 <= r["resolution_pixels"] <= 32 for r in refined)
    assert all("agreement" not in r and r["noise_residual"] > 0 for r in results if r["stage"] == "inferred")
    assert 0 <= latest["refined"]["image"]["agreement"] <= 1.0001 and "agreement" not in latest["inferred"]
    for result in wire:
        several = result.stage == 2
        assert result.HasField("agreement") == several and len(result.prtf) == (33 if several else 0)
        assert all(0 <= value <= 1.0001 for value in result.prtf)


def threads_of(daemon, name):
    """Nice values of the daemon's threads of this name."""
    nice = []
    for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it may be gone
            if (task / "comm").read_text().strip() == name:
                nice.append(int((task / "stat").read_text().rsplit(")", 1)[1].split()[16]))
    return nice


def test_one_frame_of_many_starts_uses_the_cores_of_idle_workers(tmp_path):
    refine = {"policy": "all", "starts": 400, "schedule": "500*HIO", "workers": 2}
    with Daemon(tmp_path, refine=refine) as daemon:
        if "fewer_refine_workers" in daemon.log_path.read_text():
            pytest.skip("one core alone may be used here")
        assert threads_of(daemon, "refine") == [10, 10]
        simulate(daemon, "--frames", 1)
        wait_until("a helper", lambda: len(threads_of(daemon, "refine")) == 3)
        assert set(threads_of(daemon, "refine")) == {10}
        wait_until("the result", lambda: daemon.status()["refined"] == 1)
        wait_until("the helper to go", lambda: threads_of(daemon, "refine") == [10, 10])


def test_one_start_says_nothing_about_agreement(tmp_path):
    with Daemon(tmp_path, refine={"policy": "all", "schedule": "5*ER"}) as daemon, watcher(daemon) as finish:
        simulate(daemon, "--frames", 3, "--rate", 100)
        wait_until("all refined", lambda: daemon.status()["refined"] == 3)
        assert daemon.terminate() == 0
        results, _ = finish()
    assert len(results) == 6 and not any("agreement" in r for r in results)


def test_random_behind_a_beam_stop_tries_supports_of_several_areas(tmp_path):
    """A ring whose first maximum is hidden: by threshold alone its support stays twice too large and its starts agree to 0.6."""
    y, x = np.mgrid[:32, :32] - 16
    radius = np.hypot(x, y)
    ring = np.where((radius >= 4) & (radius < 7), (1 + 0.08 * x + 0.04 * y) * np.exp(0.05j * x), 0)
    pattern = np.abs(np.fft.fftshift(np.fft.fft2(ring, (64, 64)))) ** 2
    photons = np.random.default_rng(1).poisson(1e6 * pattern / pattern.sum()).astype(np.float32)
    photons[np.hypot(*np.mgrid[-32:32, -32:32]) <= 4] = np.nan
    with h5py.File(tmp_path / "ring.h5", "w") as file:
        file["patterns"] = photons[np.newaxis]
    settings = {"policy": "all", "schedule": "random", "starts": 8}
    with Daemon(tmp_path, refine=settings, queues={"mode": "replay"}) as daemon, watcher(daemon) as finish:
        replay(daemon, tmp_path / "ring.h5")
        wait_until("it is refined", lambda: daemon.status()["refined"] == 1)
        assert daemon.terminate() == 0
        results, _ = finish()
    assert results[-1]["stage"] == "refined" and results[-1]["agreement"] > 0.8


def test_above_noise_refines_what_noise_does_not_explain(tmp_path):
    """Of patterns of 1e4 photons the network's answer fits as well as the truth would; of 1e8 none does."""
    share = {}
    for photons in (1e4, 1e8):
        folder = tmp_path / str(photons)
        folder.mkdir()
        settings = {"infer": {"model": str(MODEL)}, "refine": {"policy": "above_noise", "queue": 1000},
                    "queues": {"mode": "replay"}}
        with Daemon(folder, **settings) as daemon, watcher(daemon) as finish:
            simulate(daemon, "--frames", 60, "--rate", 500, "--photons", photons)
            daemon.wait_until_done(60)
            assert daemon.terminate() == 0
            results, _ = finish()
        inferred = {r["sequence"]: r for r in results if r["stage"] == "inferred"}
        refined = {r["sequence"] for r in results if r["stage"] == "refined"}
        assert len(inferred) == 60
        assert refined == {s for s, r in inferred.items() if r["residual"] > 1.5 * r["noise_residual"]}
        share[photons] = len(refined) / 60
    assert share[1e4] < 0.1 and share[1e8] > 0.9


def mixed_dataset(path, easy=24, impossible=12):
    """Particles without noise, and among them patterns that are no diffraction of anything in the square."""
    simulated_dataset(path, easy)
    generator = np.random.default_rng(6)
    with h5py.File(path, "a") as file:
        patterns = list(file["patterns"][...])
        bright = max(p.sum() for p in patterns)
        for i in range(impossible):
            noise = generator.uniform(0.1, 1, (64, 64)).astype(np.float32)
            patterns.insert(3 * i, noise * np.float32(bright / noise.sum()))
        del file["patterns"], file["objects"]
        file["patterns"] = np.array(patterns)
    return {3 * i for i in range(impossible)}


def test_until_explained_goes_on_where_it_has_to(tmp_path):
    """Better answers come one after another, easy frames end as explained, impossible ones spend their budget once."""
    impossible = mixed_dataset(tmp_path / "mixed.h5")
    refine = {"policy": "until_explained", "noise_factor": 0, "budget": 3000, "starts": 2, "queue": 1000}
    with Daemon(tmp_path, infer={"model": str(MODEL)}, refine=refine, queues={"mode": "replay"}) as daemon:
        with watcher(daemon) as finish:
            replay(daemon, tmp_path / "mixed.h5", "--speed", "max")
            wait_until("all to end", lambda: sum(daemon.status()["outcomes"].values()) == 36)
            status = daemon.status()
            latest = json.loads(daemon.get("/api/v1/latest"))["refined"]["image"]
            assert daemon.terminate() == 0
            results, _ = finish()
    assert_accounted(status)
    assert sum(status["refine_dropped"].values()) == 0 and latest["round"] >= 1 and "explained" in latest
    ends = {}
    for sequence in range(36):
        rounds = [r for r in results if r["sequence"] == sequence]
        assert rounds[0]["stage"] == "inferred" and "round" not in rounds[0]
        assert all(after["residual"] < before["residual"] for before, after in zip(rounds, rounds[1:-1]))
        assert rounds[-1]["residual"] <= rounds[0]["residual"]
        assert [r.get("round", 0) for r in rounds] == sorted({r.get("round", 0) for r in rounds})
        assert all("outcome" not in r and not r["explained"] for r in rounds[:-1])
        assert rounds[-1].get("iterations", 0) <= 3000
        assert rounds[-1]["explained"] == (rounds[-1]["outcome"] == "explained") == (rounds[-1]["residual"] <= 3e-6)
        ends.setdefault(rounds[-1]["outcome"], set()).add(sequence)
    assert ends["given up"] >= impossible and len(ends["explained"]) >= 4
    assert {key: len(ends.get(key.replace("_", " "), ())) for key in status["outcomes"]} == status["outcomes"]


def test_until_explained_betters_what_noise_explains_and_keeps_the_rest(tmp_path):
    """Of so few photons the network's answers are explained already; iterations of HIO would harm them."""
    refine = {"policy": "until_explained", "starts": 2, "budget": 1000, "queue": 1000}
    with Daemon(tmp_path, infer={"model": str(MODEL)}, refine=refine, queues={"mode": "replay"}) as daemon:
        with watcher(daemon) as finish:
            simulate(daemon, "--frames", 20, "--rate", 500, "--photons", 1e5)
            wait_until("all to end", lambda: sum(daemon.status()["outcomes"].values()) == 20)
            status = daemon.status()
            assert daemon.terminate() == 0
            results, _ = finish()
    assert_accounted(status)
    gained = 0
    for sequence in range(20):
        rounds = [r for r in results if r["sequence"] == sequence]
        first, last = rounds[0], rounds[-1]
        assert first["stage"] == "inferred" and "outcome" not in first and "outcome" in last
        assert all(r["explained"] == (r["residual"] <= 2 * r["noise_residual"]) for r in rounds)
        assert 0 < last["iterations"] <= 1000 and last["residual"] <= first["residual"]
        gained += first["explained"] and last["residual"] < first["residual"]
    assert gained >= 3


def test_until_explained_loses_later_rounds_first_when_there_is_more_than_it_can_do(tmp_path):
    mixed_dataset(tmp_path / "mixed.h5")
    refine = {"policy": "until_explained", "noise_factor": 0, "queue": 4, "workers": 1}
    with Daemon(tmp_path, infer={"model": str(MODEL)}, refine=refine, queues={"mode": "replay"}) as daemon:
        with watcher(daemon) as finish:
            replay(daemon, tmp_path / "mixed.h5", "--speed", "max")
            wait_until("all to end", lambda: sum(daemon.status()["outcomes"].values()) +
                       daemon.status()["refine_dropped"]["queue_full"] == 36)
            status = daemon.status()
            assert daemon.terminate() == 0
            results, _ = finish()
    assert_accounted(status)
    assert status["published"] == 36 and status["refine_dropped"]["queue_full"] > 0
    assert sum(r["stage"] == "inferred" for r in results) == 36


def test_live_images_lie_where_the_network_puts_them(tmp_path):
    """No flip between twins, no jump: where both are one image, no twin and no translation of the refined one is nearer.
    Where they are not, what reaches the edge of the square may keep a refined image from moving."""
    with Daemon(tmp_path, infer={"model": str(MODEL)}, refine={"policy": "all", "starts": 4, "queue": 1000},
                queues={"mode": "replay"}) as daemon, Subscriber(daemon) as subscriber:
        simulate(daemon, "--frames", 40, "--rate", 200, "--photons", 1e8)
        results = subscriber.results(80)
    images = {(r.sequence, r.stage): (np.array(r.amplitude) * np.exp(1j * np.array(r.phase))).reshape(32, 32) for r in results}
    same = 0
    for sequence in range(40):
        inferred, refined = (image / np.linalg.norm(image) for image in (images[sequence, 1], images[sequence, 2]))
        likeness = correlation(refined, inferred)
        if likeness > 0.9:
            assert abs(np.vdot(inferred, refined)) > likeness - 0.05, sequence
            same += 1
    assert same >= 20
