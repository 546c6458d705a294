"""Simulator, daemon and watcher together: every frame is accounted for, with its identity."""

import json
import signal
import subprocess

from flashphase import BIN, Daemon, Subscriber, accounts, run, simulate, wait_until, watcher


def test_every_frame_of_the_simulator_reaches_the_watcher_under_its_own_id(tmp_path):
    with Daemon(tmp_path, queues={"mode": "replay"}) as daemon, watcher(daemon) as finish:
        sent = simulate(daemon, "--frames", 600, "--rate", "max", "--run", 7)
        status = daemon.wait_until_done(600)
        assert accounts(status) == (sent["sent"], 600, 0, 0) and status["accounted"]
        assert daemon.terminate() == 0
        results, errors = finish()
    assert sorted(r["sequence"] for r in results) == list(range(600))
    assert {(r["run"], r["source"], r["stage"], r["pulse"]) for r in results} == {(7, "detector", "inferred", 0)}
    assert "received 600 frames = published 600 + rejected 0 + dropped 0" in errors


def test_trains_over_pub_and_sub_compressed(tmp_path):
    with Daemon(tmp_path, source={"socket": "sub", "bind": False}) as daemon, watcher(daemon) as finish:
        simulate(daemon, "--bind", "--socket", "pub", "--trains", "20x25", "--frames", 200, "--lz4")
        assert accounts(daemon.wait_until_done(200)) == (200, 200, 0, 0)
        assert daemon.terminate() == 0
        results, _ = finish()
    assert sorted((r["train"], r["pulse"]) for r in results) == [(t, p) for t in range(8) for p in range(25)]


def test_empty_frames_are_rejected_as_no_hit(tmp_path):
    with Daemon(tmp_path, select={"minimum_lit_pixels": 250}) as daemon:
        sent = simulate(daemon, "--frames", 200, "--rate", "1000", "--hit-rate", 0.5, "--photons", 1e6)
        status = daemon.wait_until_done(200)
    assert 50 < sent["hits"] < 150
    assert status["published"] == sent["hits"] and status["rejected"]["not_a_hit"] == 200 - sent["hits"]


def test_refined_results_follow_under_the_same_id(tmp_path):
    with Daemon(tmp_path, refine={"policy": "all"}) as daemon, watcher(daemon) as finish:
        simulate(daemon, "--frames", 40, "--rate", "200")
        wait_until("all refined", lambda: daemon.status()["refined"] == 40)
        assert daemon.terminate() == 0
        results, _ = finish()
    places = {}
    for place, result in enumerate(results):
        places.setdefault(result["sequence"], []).append((result["stage"], place, result["residual"]))
    assert len(places) == 40
    for stages in places.values():
        assert [stage for stage, _, _ in stages] == ["inferred", "refined"]
        assert stages[1][2] < stages[0][2]


def test_a_full_pipeline_drops_live_frames_and_counts_them(tmp_path):
    slow = {"queues": {"frames": 2}, "refine": {"policy": "off"}, "batch": {"size": 1}}
    with Daemon(tmp_path, **slow) as daemon:
        sent = simulate(daemon, "--frames", 5000, "--rate", "max")
        status = daemon.wait_until_done(sent["sent"])
    received, published, rejected, dropped = accounts(status)
    assert received == 5000 and published > 0 and rejected == 0 and dropped > 0
    assert received == published + dropped


def test_sigterm_drains_what_is_inside_and_says_bye(tmp_path):
    with Daemon(tmp_path, queues={"mode": "replay"}, batch={"size": 1}) as daemon, Subscriber(daemon) as subscriber:
        simulator = subprocess.Popen([BIN / "flashphase-sim", "--endpoint", daemon.frames, "--rate", "max"],
                                     stdout=subprocess.DEVNULL)
        wait_until("frames to flow", lambda: daemon.status()["published"] > 50)
        assert daemon.terminate() == 0
        simulator.kill()
        simulator.wait()
        published, last = 0, None
        while last is None:
            topic, message = subscriber.next()
            published += topic == "inferred"
            last = message.bye if topic == "bye" else None
    assert published == last.published
    assert last.received == last.published + last.rejected + last.dropped


def test_a_stuck_subscriber_slows_nobody(tmp_path):
    settings = {"publish": {"high_water_mark": 10}, "queues": {"mode": "replay"}}
    with Daemon(tmp_path, **settings) as daemon, Subscriber(daemon, high_water_mark=1) as stuck:
        simulate(daemon, "--frames", 20000, "--rate", "max")
        status = daemon.wait_until_done(20000)
        assert accounts(status) == (20000, 20000, 0, 0)
        assert daemon.metric("flashphase_publish_dropped_total", sink="zeromq") > 0
        assert stuck.next() is not None


def test_watch_gives_up_when_nothing_comes():
    result = run("flashphase-watch", "tcp://127.0.0.1:9", "--timeout", "0.2", check=False)
    assert result.returncode == 1 and "nothing came" in result.stderr


def test_the_simulator_says_when_nobody_receives():
    result = run("flashphase-sim", "--endpoint", "tcp://127.0.0.1:9", "--wait", "0.2", check=False)
    assert result.returncode == 1 and "nobody receives" in result.stderr


def test_programs_refuse_wrong_usage_with_exit_code_2():
    endpoint = ["--endpoint", "tcp://127.0.0.1:9"]
    for words in (["--protocol", "karabo"], ["--fault", "nan"], ["--fault", "nan=2"], ["--rate", "-1"], ["--trains", "10"], ["--no"]):
        result = run("flashphase-sim", *endpoint, *words, check=False)
        assert result.returncode == 2 and result.stderr, words
    assert run("flashphase-watch", check=False).returncode == 2
    assert run("flashphase-bench", check=False).returncode == 2


def test_bench_service_reports_what_the_contract_names(tmp_path):
    report = json.loads(run("flashphase-bench", "service", "--frames", 300, "--rate", "max", "--network", "none", "--json").stdout)
    assert report["accounted"] is True
    assert (report["sent"], report["received"], report["published"]) == (300, 300, 300)
    assert (report["rejected"], report["dropped"]) == (0, 0)
    assert report["frames_per_second"] > 0
    assert set(report["latency_milliseconds"]) == {"p50", "p90", "p99", "max"}


def test_bench_refine_reports_what_the_contract_names():
    report = json.loads(run("flashphase-bench", "refine", "--size", 64, "--iterations", 20, "--threads", 2, "--seconds", 0.5, "--json").stdout)
    assert report["iterations_per_second"] > 0 and report["fft_floor_iterations_per_second"] > 0
    best = report["iterations_per_second"] / report["fft_floor_iterations_per_second"]
    assert 0.4 * best < report["ratio_to_floor"] < 2.5 * best  # the median of the rounds beside the best rounds
    assert 0.5 < report["ratio_to_one_thread"] < 4
    assert {"backend", "fft", "shrink_wrap_cost"} <= set(report)
    assert report["solver_fft"].endswith(" radix 8x8")


def test_bench_refine_names_what_did_the_transforms():
    for size, kernel in ((98, " radix 7x7x2"), (254, " bluestein 512"), (12, "plain")):
        report = json.loads(run("flashphase-bench", "refine", "--size", size, "--iterations", 2, "--seconds", 0.1, "--json").stdout)
        assert report["solver_fft"].endswith(kernel), report


def test_a_second_sigterm_ends_at_once(tmp_path):
    endless = {"policy": "all", "schedule": "1000000*HIO"}
    daemon = Daemon(tmp_path, refine=endless)
    try:
        wait_until("the daemon to be ready", daemon.is_ready)
        simulate(daemon, "--frames", 1)
        daemon.wait_until_done(1)
        daemon.process.send_signal(signal.SIGTERM)
        wait_until("the drain to begin", lambda: "event=draining" in daemon.log_path.read_text())
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 1
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_sigterm_while_the_model_loads_ends_in_good_order(tmp_path):
    daemon = Daemon(tmp_path)
    try:
        wait_until("the start", lambda: "event=start" in daemon.log_path.read_text())
        assert daemon.terminate() == 0
        assert "accounted=true" in daemon.log_path.read_text()
    finally:
        daemon.process.kill()
