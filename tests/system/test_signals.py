"""Signals, readers that go away, peers that vanish: the daemon drains, the programs around it end in good order and say why."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import signal
import subprocess
import termios

import pytest
import zmq

from flashphase import BIN, PATIENCE, Daemon, Subscriber, free_endpoint, simulate, wait_until, watched, wire_schema


def assert_drains_with_bye(daemon, subscriber, *signals):
    for number in signals:
        daemon.process.send_signal(number)
    assert daemon.process.wait(PATIENCE) == 0
    topic, message = None, None
    while topic != "bye":
        topic, message = subscriber.next()
    return message.bye


def test_a_log_reader_that_goes_away_kills_nobody(tmp_path):
    with Daemon(tmp_path, log_reader=True) as daemon, Subscriber(daemon) as subscriber:
        daemon.process.stderr.close()
        simulate(daemon, "--frames", 50, "--rate", "max", "--run", 1)
        simulate(daemon, "--frames", 50, "--rate", "max", "--run", 2)
        daemon.wait_until_done(100)
        assert assert_drains_with_bye(daemon, subscriber, signal.SIGINT).published == 100


@pytest.fixture
def terminal():
    """One end of a terminal, and what makes it that of a new process."""
    here, there = pty.openpty()

    def take():
        os.setsid()
        fcntl.ioctl(there, termios.TIOCSCTTY, 0)

    yield here, take
    with contextlib.suppress(OSError):
        os.close(here)
    os.close(there)


@pytest.mark.parametrize("times", [1, 2])
def test_at_a_terminal_hanging_up_drains_however_often_it_comes(tmp_path, terminal, times):
    with Daemon(tmp_path, before=terminal[1]) as daemon, Subscriber(daemon) as subscriber:
        simulate(daemon, "--frames", 50, "--rate", "max")
        wait_until("all to come", lambda: daemon.status()["received"] == 50)
        assert assert_drains_with_bye(daemon, subscriber, *[signal.SIGHUP] * times).received == 50


def test_a_terminal_that_closes_drains(tmp_path, terminal):
    with Daemon(tmp_path, before=terminal[1]) as daemon, Subscriber(daemon) as subscriber:
        simulate(daemon, "--frames", 50, "--rate", "max")
        wait_until("all to come", lambda: daemon.status()["received"] == 50)
        os.close(terminal[0])
        assert assert_drains_with_bye(daemon, subscriber).received == 50


def test_under_nohup_hanging_up_is_ignored(tmp_path):
    with Daemon(tmp_path, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        simulate(daemon, "--frames", 50, "--rate", "max")
        assert daemon.wait_until_done(50)["state"] == "running"


def test_without_standard_error_the_log_goes_nowhere_else(tmp_path):
    with Daemon(tmp_path, before=lambda: os.close(2)) as daemon, Subscriber(daemon) as subscriber:
        simulate(daemon, "--frames", 50, "--rate", "max")
        daemon.wait_until_done(50)
        assert assert_drains_with_bye(daemon, subscriber, signal.SIGTERM).published == 50


def watch(daemon_or_endpoint, *words):
    """flashphase-watch, and its subscription taken where there is a daemon."""
    endpoint = getattr(daemon_or_endpoint, "results", daemon_or_endpoint)
    process = subprocess.Popen([BIN / "flashphase-watch", endpoint, *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    if endpoint is not daemon_or_endpoint:
        daemon_or_endpoint.wait_for_subscriptions()
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_watch_ends_on_a_signal_and_what_it_printed_is_whole(tmp_path, number):
    with Daemon(tmp_path) as daemon:
        process = watch(daemon, "--json")
        simulate(daemon, "--frames", 50, "--rate", "max")
        out = process.stdout.readline()
        process.send_signal(number)
        out += process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert out.endswith("\n") and all(watched(line) for line in out.splitlines())


def test_watch_ends_quietly_when_nobody_reads_it(tmp_path):
    with Daemon(tmp_path) as daemon:
        process = watch(daemon)
        simulate(daemon, "--frames", 1)
        process.stdout.readline()
        process.stdout.close()
        simulate(daemon, "--frames", 10, "--rate", "max")
        assert process.wait(PATIENCE) == 0
        assert "watch:" not in process.stderr.read()


def test_watch_says_when_its_output_cannot_be_written(tmp_path):
    with Daemon(tmp_path) as daemon, open("/dev/full", "w") as full:
        process = subprocess.Popen([BIN / "flashphase-watch", daemon.results], stdout=full, stderr=subprocess.PIPE, text=True)
        daemon.wait_for_subscriptions()
        simulate(daemon, "--frames", 1)
        assert process.wait(PATIENCE) == 1
        assert "No space left on device" in process.stderr.read()


def test_watch_ends_with_a_daemon_that_is_killed_and_says_so(tmp_path):
    daemon = Daemon(tmp_path)
    try:
        wait_until("the daemon to be ready", daemon.is_ready)
        process = watch(daemon, "--wait", 0.2)
        daemon.process.kill()
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert "went without a bye" in errors and "did not come back" in errors
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_watch_goes_on_with_a_daemon_that_comes_back(tmp_path):
    first = Daemon(tmp_path)
    try:
        wait_until("the daemon to be ready", first.is_ready)
        process = watch(first, "--json", "--wait", "inf")
    finally:
        first.process.kill()
        first.process.wait()
    with Daemon(tmp_path, publish={"endpoint": first.results}) as second:
        second.wait_for_subscriptions()
        simulate(second, "--frames", 5)
        second.wait_until_done(5)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and len(out.splitlines()) == 5
    assert "went without a bye" in errors and "bye: the daemon received 5 frames" in errors


def test_watch_says_that_nobody_is_there_and_waits():
    process = watch(free_endpoint())
    assert "nobody publishes results at tcp://127.0.0.1:" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0


def is_asleep(process):
    """Over several looks in a row: it waits for somebody."""
    return all(pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S" for _ in range(50))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_sends_the_end_of_its_run_to_a_receiver_that_is_behind(number):
    frame_pb2, _ = wire_schema()
    context = zmq.Context()
    receiver = context.socket(zmq.PULL)
    receiver.set(zmq.RCVHWM, 1)
    receiver.set(zmq.RCVTIMEO, 1000 * PATIENCE)
    port = receiver.bind_to_random_port("tcp://127.0.0.1")
    process = subprocess.Popen([BIN / "flashphase-sim", "--endpoint", f"tcp://127.0.0.1:{port}", "--rate", "max"],
                               stdout=subprocess.PIPE, text=True)
    try:
        receiver.recv_multipart()
        wait_until("its queue to be full", lambda: is_asleep(process))
        process.send_signal(number)
        frames, message = 0, frame_pb2.StreamMessage()
        while not message.HasField("end"):
            message.ParseFromString(receiver.recv_multipart()[0])
            frames += message.HasField("frame")
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert json.loads(out)["sent"] == message.end.sent_frames == frames
    finally:
        process.kill()
        process.wait()
        context.destroy(linger=0)


def test_the_simulator_sends_the_end_of_its_run_though_nobody_reads_what_it_says(tmp_path):
    with Daemon(tmp_path) as daemon, Subscriber(daemon) as subscriber:
        process = subprocess.Popen([BIN / "flashphase-sim", "--endpoint", daemon.frames, "--frames", "2000", "--rate", "max"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.close()
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0 and errors == ""
        assert daemon.wait_until_done(2000)["received"] == 2000
        kinds = []
        while len(kinds) < 2:
            topic, message = subscriber.next()
            kinds += [message.run.kind] if topic == "run" else []
        assert kinds == [1, 2]
