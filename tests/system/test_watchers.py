"""Those who look on: subscribers that misbehave, browsers that do, ids too large for a double, frames that overtake each other."""

import json
import socket
import subprocess

import pytest
import zmq

from flashphase import BIN, PATIENCE, Daemon, Subscriber, accounts, replay, simulate, wait_until, watcher
from test_reconstruct import binned_ellipses

LARGE = {"run": 2**63 + 1, "train": 2**53 + 1, "pulse": 2**53 + 3, "sequence": 2**64 - 1}


class RawSubscriber:
    """Speaks ZMTP 3.0 itself: libzmq would not say all of this."""

    def __init__(self, daemon):
        self.socket = socket.create_connection(("127.0.0.1", int(daemon.results.rsplit(":", 1)[1])), timeout=PATIENCE)
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        ready = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
        self.socket.sendall(bytes([4, len(ready)]) + ready)
        theirs = b""
        while len(theirs) < 66 or len(theirs) < 66 + theirs[65]:
            theirs += self.socket.recv(66 + (theirs[65] if len(theirs) >= 66 else 0) - len(theirs))

    def send(self, *messages):
        self.socket.sendall(b"".join(b"\x02" + len(text).to_bytes(8, "big") + text for text in messages))


def test_a_subscriber_that_misbehaves_costs_nobody_anything(tmp_path):
    with Daemon(tmp_path) as daemon, Subscriber(daemon) as subscriber:
        bad, worse = RawSubscriber(daemon), RawSubscriber(daemon)
        bad.send(b"\0never asked for", b"\0", b"\1refined", b"\1refined")
        wait_until("the good part", lambda: daemon.status()["subscriptions"] == 2)
        with pytest.raises(OSError):
            worse.send(b"\1" + bytes(60_000_000))
        bad.send(*[bytes([i % 2]) + b"topic %d" % (i % 300) for i in range(5000)])
        sent = simulate(daemon, "--frames", 1000, "--rate", 1000)["sent"]
        assert accounts(daemon.wait_until_done(sent)) == (1000, 1000, 0, 0)
        assert len(subscriber.results(1000)) == 1000
        bad.socket.close()
        wait_until("it to be gone", lambda: daemon.status()["subscriptions"] == 1)


def test_health_checks_come_through_a_crowd_of_idle_browsers_and_half_requests(tmp_path):
    with Daemon(tmp_path) as daemon:
        crowd = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(200)]
        for i, client in enumerate(crowd):
            client.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: a\r\n" + (b"\r\n" if i % 2 else b""))
            assert daemon.get("/livez") is not None
        assert all(daemon.get(path) is not None for path in ("/readyz", "/metrics", "/"))
        for client in crowd:
            client.close()


def test_ids_too_large_for_a_double_keep_their_digits(tmp_path):
    with Daemon(tmp_path) as daemon, watcher(daemon, "--frames", "1") as finish, Subscriber(daemon) as subscriber:
        frame_pb2 = subscriber.frame_pb2
        sender = subscriber.context.socket(zmq.PUSH)
        sender.connect(daemon.frames)
        header = frame_pb2.FrameHeader(**LARGE, source="a", rows=64, columns=64, dtype=frame_pb2.DTYPE_UINT8,
                                       codec=frame_pb2.CODEC_NONE)
        pixels = bytes([200 if 28 <= i // 64 < 36 and 28 <= i % 64 < 36 else 1 for i in range(64 * 64)])
        sender.send_multipart([frame_pb2.StreamMessage(frame=header).SerializeToString(), pixels])
        daemon.wait_until_done(1)
        pattern = json.loads(daemon.get("/api/v1/latest"))["pattern"]
        assert {key: pattern[key] for key in LARGE} == {key: str(value) for key, value in LARGE.items()}
        results, _ = finish()
        assert {key: results[0][key] for key in LARGE} == LARGE


def test_everybody_is_told_why_a_frame_is_out_of_domain(tmp_path):
    dataset = binned_ellipses(tmp_path / "large.h5", 26, count=4)
    with Daemon(tmp_path, queues={"mode": "replay"}) as daemon, Subscriber(daemon) as subscriber, watcher(daemon) as finish:
        lines = subprocess.Popen([BIN / "flashphase-watch", daemon.results], stdout=subprocess.PIPE, text=True)
        daemon.wait_for_subscriptions(daemon.status()["subscriptions"] + 1)
        replay(daemon, dataset, "--speed", "max")
        for result in subscriber.results(4):
            assert not result.in_domain and subscriber.reconstruction_pb2.REMARK_TOO_LARGE in result.remarks
        image = json.loads(daemon.get("/api/v1/latest"))["inferred"]
        status = daemon.status()
        assert daemon.metric("flashphase_remarks_total", stage="inferred", remark="too_large") == 4
        assert daemon.terminate() == 0
        results, _ = finish()
        text = lines.communicate(timeout=PATIENCE)[0]
    assert "bin less" in image["remarks"]["too_large"] and not image["in_domain"]
    assert status["hint"] == f"4 of 4 patterns: {image['remarks']['too_large']}"
    assert [r["in_domain"] for r in results] == [False] * 4 and all("bin less" in r["remarks"]["too_large"] for r in results)
    assert text.count("(outside its domain)  the object is larger than the square; bin less") == 4


def test_the_page_never_goes_back_to_an_older_frame(tmp_path):
    with Daemon(tmp_path, preprocess={"threads": 4}, infer={"workers": 2}, batch={"size": 2}, queues={"mode": "replay"}) as daemon:
        number, seen = 0, []
        for frames, number_of_run in ((6000, 2), (12000, 1)):  # the second run has lower numbers in every id
            sim = subprocess.Popen([BIN / "flashphase-sim", "--endpoint", daemon.frames, "--frames", "6000", "--rate", "max", "--run",
                                    str(number_of_run)], stdout=subprocess.DEVNULL)
            while sim.poll() is None:
                if body := daemon.get(f"/api/v1/latest?after={number}"):
                    latest = json.loads(body)
                    number = latest["number"]
                    seen.append((number_of_run, int(latest["pattern"]["run"]), int(latest["pattern"]["sequence"])))
            daemon.wait_until_done(frames)
        latest = json.loads(daemon.get("/api/v1/latest"))["pattern"]
    assert (latest["run"], latest["sequence"]) == ("1", "5999")
    for number_of_run in (2, 1):
        sequences = [sequence for _, shown, sequence in seen if shown == number_of_run]
        assert len(sequences) > 10 and sequences == sorted(sequences)
