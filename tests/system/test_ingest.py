"""Senders that misbehave and endpoints that are no good: the daemon hears on, counts right, and says what is wrong."""

import re
import urllib.error
import urllib.request

import numpy as np
import pytest
import zmq

from flashphase import Daemon, Subscriber, accounts, assert_accounted, free_endpoint, free_port, run, simulate, wait_until, watcher, wire_schema


class Sender:
    """A sender that can do anything, right or wrong: pyzmq and the published schema."""

    def __init__(self, kind, endpoint, bind=False, shape=(64, 64), dtype="<f4"):
        self.frame_pb2, _ = wire_schema()
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.set(zmq.LINGER, 10000)
        self.socket.set(zmq.RCVTIMEO, 60000)
        if kind == zmq.XPUB:
            self.socket.set(zmq.XPUB_VERBOSE, 1)  # tells of a second subscription too, even before the first ends
        (self.socket.bind if bind else self.socket.connect)(endpoint)
        self.pixels = np.random.default_rng(1).poisson(3, shape).astype(dtype)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy()

    def wait_for_subscription(self):
        """XPUB: until somebody subscribes (again)."""
        while not self.socket.recv().startswith(b"\x01"):
            pass

    def begin(self, run=1, expected=0):
        begin = self.frame_pb2.RunBegin(run=run, expected_frames=expected, source="detector")
        self.socket.send(self.frame_pb2.StreamMessage(begin=begin).SerializeToString())

    def frames(self, sequences, run=1):
        for n in sequences:
            rows, columns = self.pixels.shape
            header = self.frame_pb2.FrameHeader(run=run, sequence=n, source="detector", rows=rows, columns=columns,
                                                dtype={"uint8": 1, "float32": 6}[self.pixels.dtype.name])
            self.socket.send_multipart([self.frame_pb2.StreamMessage(frame=header).SerializeToString(), self.pixels.tobytes()], copy=False)

    def end(self, sent, run=1):
        end = self.frame_pb2.RunEnd(run=run, sent_frames=sent, source="detector")
        self.socket.send(self.frame_pb2.StreamMessage(end=end).SerializeToString())


def ready_problem(daemon):
    """The reason in the answer of /readyz when that is 503."""
    try:
        urllib.request.urlopen(daemon.url + "/readyz", timeout=10)
        return None
    except urllib.error.HTTPError as error:
        return error.read().decode() if error.code == 503 else None


CONNECTS = {"socket": "sub", "bind": False, "max_message_bytes": 20000}


def test_a_daemon_that_connects_hears_on_after_a_message_that_is_too_long(tmp_path):
    with Daemon(tmp_path, source=CONNECTS) as daemon, Sender(zmq.XPUB, daemon.frames, bind=True) as sender:
        sender.wait_for_subscription()
        sender.begin()
        sender.frames(range(10))
        sender.socket.send(b"x" * 32000)
        sender.frames(range(10, 20))
        status = daemon.wait_until_done(21)
        assert status["rejected"]["too_large"] == 1 and status["published"] == 20 and status["peers"] == 1
        assert "32000 bytes are more than max_message_bytes, 20000" in daemon.log_path.read_text()

        sender.socket.send(b"x" * 100000)
        wait_until("the connection to be cut", lambda: daemon.status()["sources"]["detector"]["disconnects"] == 1)
        sender.wait_for_subscription()
        sender.frames(range(20, 30))
        assert daemon.wait_until_done(31)["published"] == 30
        assert daemon.status()["peers"] == 1
        assert re.search(r"event=source_problem .*more than 4 times max_message_bytes, 20000", daemon.log_path.read_text())


def test_a_subscriber_hears_on_when_a_push_socket_was_once_at_its_endpoint(tmp_path):
    with Daemon(tmp_path, source=CONNECTS) as daemon:
        with Sender(zmq.PUSH, daemon.frames, bind=True):
            wait_until("the wrong socket to be noticed", lambda: "it is no PUB socket" in daemon.log_path.read_text())
        with Sender(zmq.XPUB, daemon.frames, bind=True) as sender:
            sender.wait_for_subscription()
            sender.frames(range(10))
            assert daemon.wait_until_done(10)["published"] == 10


def test_it_is_not_ready_while_a_run_is_open_and_no_sender_connected(tmp_path):
    with Daemon(tmp_path, source=CONNECTS) as daemon:
        with Sender(zmq.XPUB, daemon.frames, bind=True) as sender:
            sender.wait_for_subscription()
            sender.begin()
            sender.frames(range(10))
            daemon.wait_until_done(10)
            assert ready_problem(daemon) is None
        said = wait_until("the loss to be noticed", lambda: ready_problem(daemon))
        assert said == 'running: no sender is connected to source "detector" while its run is open\n'
        with Sender(zmq.XPUB, daemon.frames, bind=True) as sender:
            sender.wait_for_subscription()
            wait_until("it to be ready again", lambda: ready_problem(daemon) is None)


def test_the_end_of_a_run_says_how_many_frames_never_came(tmp_path):
    with Daemon(tmp_path) as daemon, Subscriber(daemon) as subscriber, Sender(zmq.PUSH, daemon.frames) as sender:
        for run_number, expected, sent in ((1, 0, 150), (2, 150, 0)):
            sender.begin(run_number, expected)
            sender.frames(range(100), run_number)
            sender.end(sent, run_number)
            event = None
            while event is None or event.kind != 2:
                topic, message = subscriber.next()
                event = message.run if topic == "run" else event
            assert (event.run, event.sent_frames, event.received_frames, event.missing_frames) == (run_number, sent, 100, 50)
            assert f"run={run_number} sent_frames={sent} received_frames=100 missing_frames=50" in daemon.log_path.read_text()
        assert daemon.metric("flashphase_sequence_missing_frames_total") == 100
        assert daemon.status()["sources"]["detector"]["missing"] == 100


def test_absurd_numbers_are_counted_apart(tmp_path):
    with Daemon(tmp_path) as daemon, Sender(zmq.PUSH, daemon.frames) as sender:
        sender.begin()
        sender.frames([*range(100), 445920914, *range(100, 150), 2**64 - 1, *range(150, 200)])
        sender.end(202)
        assert daemon.wait_until_done(202)["published"] == 202
        wait_until("the end", lambda: "event=run_end" in daemon.log_path.read_text())
        source = daemon.status()["sources"]["detector"]
        assert (source["missing"], source["late"], source["implausible"]) == (0, 0, 2)
        assert daemon.metric("flashphase_run_events_total", event="restarted") == 0


def resident_megabytes(process):
    with open(f"/proc/{process.pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) / 1000


@pytest.mark.parametrize("mode", ["live", "replay"])
def test_a_backlog_of_large_frames_is_bounded_in_bytes(tmp_path, mode):
    # Of single bytes, which are sent faster than they are preprocessed.
    settings = {"queues": {"mode": mode, "megabytes": 20},
                "preprocess": {"expected_rows": 0, "expected_columns": 0, "bin": 32, "centring": "centre_of_mass"}}
    with Daemon(tmp_path, **settings) as daemon, Sender(zmq.PUSH, daemon.frames, shape=(2048, 2048), dtype="u1") as sender:
        before = resident_megabytes(daemon.process)
        sender.socket.set(zmq.SNDHWM, 2)
        sender.begin()
        sender.frames(range(150))  # 630 MB
        sender.end(150)
        status = daemon.wait_until_done(150)
        wait_until("the end", lambda: "event=run_end" in daemon.log_path.read_text())
        assert_accounted(status)
        received, published, _, dropped = accounts(status)
        assert received == 150 and published + dropped == 150
        assert dropped > 0 if mode == "live" else dropped == 0
        assert resident_megabytes(daemon.process) < before + 150
        assert daemon.status()["sources"]["detector"]["missing"] == 0


def test_a_flood_of_begins_does_not_fill_the_log(tmp_path):
    with Daemon(tmp_path) as daemon, Sender(zmq.PUSH, daemon.frames) as sender:
        for i in range(50000):
            sender.begin(i)
        wait_until("all of them", lambda: daemon.metric("flashphase_run_events_total", event="begin") == 50000)
        sender.frames(range(3))
        daemon.wait_until_done(3)
        daemon.terminate()
        log = daemon.log_path.read_text()
    assert log.count("event=run_begin") < 100
    told = sum(int(n) for n in re.findall(r"(?:event=run_begin .*|of=run_begin )suppressed=(\d+)", log))
    assert told + log.count("event=run_begin ") == 50000


def config_of(tmp_path, name, **changes):
    path = tmp_path / f"{name}.yaml"
    settings = {"source": free_endpoint(), "publish": free_endpoint(), **changes}
    path.write_text(f'source: [{{endpoint: "{settings["source"]}", bind: true}}]\n'
                    f'publish: {{endpoint: "{settings["publish"]}"}}\nhttp: {{port: 0}}\n')
    return path


def refusal(path, *words):
    result = run("flashphased", "-c", path, *words, check=False)
    assert result.returncode == 2, result.stderr
    return result.stderr


def test_endpoints_that_are_no_good_are_refused_before_anything_starts(tmp_path):
    for changes, said in (
        ({"source": "inproc://frames"}, 'source[0].endpoint: "inproc://frames" is not a ZeroMQ endpoint'),
        ({"source": "tcp://127.0.0.1:99999"}, 'source[0].endpoint: "tcp://127.0.0.1:99999" has the port "99999"'),
        ({"publish": "tcp://127.0.0.1"}, 'publish.endpoint: "tcp://127.0.0.1" has no port'),
    ):
        assert said in refusal(config_of(tmp_path, "bad", **changes), "--check")


def test_a_second_daemon_on_an_ipc_endpoint_is_refused_and_the_first_hears_on(tmp_path):
    endpoint = f"ipc://{tmp_path}/frames"
    with Daemon(tmp_path, source={"endpoint": endpoint}) as daemon:
        assert f"source[0].endpoint: cannot bind {endpoint}: Address already in use" in refusal(config_of(tmp_path, "second", source=endpoint))
        daemon.frames = endpoint
        simulate(daemon, "--frames", 10)
        assert daemon.wait_until_done(10)["published"] == 10


def test_programs_refuse_endpoints_that_are_no_good():
    for words in (["flashphase-sim", "--endpoint", "tcp://127.0.0.1:99999"], ["flashphase-sim", "--endpoint", "tcp://*:5601"],
                  ["flashphase-replay", "run.h5", "--endpoint", "tcp://127.0.0.1"], ["flashphase-watch", "inproc://results"]):
        result = run(*words, check=False)
        assert result.returncode == 2 and words[-1] in result.stderr, (words, result.stderr)


def has_ipv6():
    try:
        with zmq.Context() as context, context.socket(zmq.PULL) as probe:
            probe.set(zmq.IPV6, 1)
            probe.bind("tcp://[::1]:*")
            return True
    except zmq.ZMQError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_everything_speaks_ipv6(tmp_path):
    frames, results = f"tcp://[::1]:{free_port()}", f"tcp://[::1]:{free_port()}"
    with Daemon(tmp_path, source={"endpoint": frames}, publish={"endpoint": results}, http={"address": "::1"}) as daemon:
        daemon.frames, daemon.results = frames, results
        with watcher(daemon) as finish:
            simulate(daemon, "--frames", 10)
            daemon.wait_until_done(10)
            assert daemon.terminate() == 0
            assert len(finish()[0]) == 10
