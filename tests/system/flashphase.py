"""The real programs as a test drives them: started on free loopback ports, waited for by condition, always cleaned up."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FLASHPHASE_BIN", ROOT / "build" / "release" / "bin"))
MODEL = ROOT / "deploy" / "models" / "flash.fpm"
PATIENCE = 60  # seconds; only a failing test waits that long


def wait_until(what, condition, seconds=PATIENCE):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"waited {seconds} s for: {what}"
        time.sleep(0.01)


def free_port():
    """Below the ports that the system gives to whoever connects: one of those may be taken before it is bound, even by a program that
    connects to it while nobody is there (it then talks to itself)."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_endpoint():
    return f"tcp://127.0.0.1:{free_port()}"


def wire_schema():
    """The modules frame_pb2 and reconstruction_pb2, generated from proto/ as any peer would do it."""
    with tempfile.TemporaryDirectory() as folder:
        schemas = ["frame.proto", "reconstruction.proto"]
        subprocess.run(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", *schemas], check=True)
        sys.path.insert(0, folder)
        import frame_pb2
        import reconstruction_pb2

        sys.path.remove(folder)
    return frame_pb2, reconstruction_pb2


def run(program, *words, check=True, timeout=PATIENCE):
    """Runs a program to its end; its standard output as text is in .stdout."""
    result = subprocess.run([BIN / program, *map(str, words)], capture_output=True, text=True, timeout=timeout)
    assert not check or result.returncode == 0, f"{program} ended with {result.returncode}: {result.stderr}"
    return result


def simulate(daemon, *words):
    """Runs the simulator to its end against the daemon; what it says it sent."""
    return json.loads(run("flashphase-sim", "--endpoint", daemon.frames, *words).stdout)


def replay(daemon, dataset, *words):
    return json.loads(run("flashphase-replay", dataset, "--endpoint", daemon.frames, *words).stdout)


class Daemon:
    """flashphased on free ports. A context manager: on leaving, it is stopped and its exit code checked.

    `log_reader`: its log can be read from process.stderr instead of the file. `before` runs in the new process first."""

    def __init__(self, folder, source=(), log_reader=False, before=None, **settings):
        self.frames, self.results, self.port = free_endpoint(), free_endpoint(), free_port()
        config = {
            "source": [{"endpoint": self.frames, "socket": "pull", "bind": True, **dict(source)}],
            "preprocess": {"expected_rows": 64, "expected_columns": 64},
            "infer": {"model": "none"},
            "publish": {"endpoint": self.results, "high_water_mark": 100000},
            "http": {"port": self.port},
        }
        for key, value in settings.items():
            config[key] = {**config.get(key, {}), **value}
        address = config["http"].get("address", "127.0.0.1")
        self.url = f"http://[{address}]:{self.port}" if ":" in address else f"http://{address}:{self.port}"
        self.config = pathlib.Path(folder) / "config.yaml"
        self.config.write_text(json.dumps(config))
        self.log_path = pathlib.Path(folder) / "daemon.log"
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen([BIN / "flashphased", "-c", self.config], stdout=self.log,
                                        stderr=subprocess.PIPE if log_reader else self.log, preexec_fn=before)

    def __enter__(self):
        wait_until("the daemon to be ready", self.is_ready)
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM if kind is None else signal.SIGKILL)
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.log.close()
        if kind is None:
            assert code == 0, f"the daemon ended with {code}: {self.log_path.read_text()[-2000:]}"
        else:
            print(self.log_path.read_text()[-4000:])

    def is_ready(self):
        assert self.process.poll() is None, f"the daemon ended: {self.log_path.read_text()}"
        return self.get("/readyz") is not None

    def get(self, path):
        """The body, or None when nobody answers with 200."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def status(self):
        return json.loads(self.get("/api/v1/status"))

    def metric(self, name, **labels):
        """The sum over all series of this name that have these labels."""
        total, found = 0.0, False
        for line in self.get("/metrics").splitlines():
            match = re.match(r"(\w+)(\{.*\})? (\S+)", line)
            if match and match[1] == name and all(f'{k}="{v}"' in (match[2] or "") for k, v in labels.items()):
                total, found = total + float(match[3]), True
        assert found, f"no series {name} {labels}"
        return total

    def wait_for_subscriptions(self, count=1):
        wait_until("the subscription", lambda: self.status()["subscriptions"] >= count)

    def wait_until_done(self, frames):
        """Until so many frames were received and none is inside; the status then."""

        def done():
            status = self.status()
            return status if status["received"] >= frames and status["in_flight"] == 0 else None

        return wait_until(f"{frames} frames to pass", done)

    def terminate(self):
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def watched(line):
    """A line of flashphase-watch --json; its ids, text there, as numbers."""
    result = json.loads(line)
    return {key: int(value) if key in ("run", "train", "pulse", "sequence") else value for key, value in result.items()}


@contextlib.contextmanager
def watcher(daemon, *words):
    """flashphase-watch --json beside a daemon; yields a function that waits for its end and gives (results, its stderr)."""
    before = daemon.status()["subscriptions"]
    process = subprocess.Popen([BIN / "flashphase-watch", daemon.results, "--json", *words], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        daemon.wait_for_subscriptions(before + 1)

        def finish():
            out, errors = process.communicate(timeout=PATIENCE)
            return [watched(line) for line in out.splitlines()], errors

        yield finish
    finally:
        process.kill()
        process.wait()


class Subscriber:
    """An independent consumer: pyzmq and the published schema."""

    def __init__(self, daemon, high_water_mark=0):
        self.frame_pb2, self.reconstruction_pb2 = wire_schema()
        before = daemon.status()["subscriptions"]
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.set(zmq.RCVHWM, high_water_mark)
        self.socket.set(zmq.RCVTIMEO, 1000 * PATIENCE)
        self.socket.subscribe(b"")
        self.socket.connect(daemon.results)
        daemon.wait_for_subscriptions(before + 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.destroy(linger=0)

    def next(self):
        topic, body = self.socket.recv_multipart()
        message = self.reconstruction_pb2.ResultMessage()
        message.ParseFromString(body)
        return topic.decode(), message

    def results(self, count):
        """The next `count` reconstructions, run events passed over."""
        found = []
        while len(found) < count:
            _, message = self.next()
            if message.HasField("reconstruction"):
                found.append(message.reconstruction)
        return found


def accounts(status):
    """received, published, rejected, dropped as numbers."""
    dropped = sum(sum(reasons.values()) for reasons in status["dropped"].values())
    return status["received"], status["published"], sum(status["rejected"].values()), dropped


def assert_accounted(status):
    received, published, rejected, dropped = accounts(status)
    assert status["accounted"] and received == published + rejected + dropped, status
