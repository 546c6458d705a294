"""The running part of tools/demo: starts the programs, prints a line a second, stops them, judges the result."""

import argparse
import json
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import h5py

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = 100  # frames per second of the simulated detector
REPLAY_SPEED = 0.5  # of 100 frames per second
HIT_RATE = 0.8
PHOTONS = 1e6  # in a simulated hit
# An empty frame of the simulator has some 80 lit pixels, a hit of 1e6 photons above 1000.
MINIMUM_LIT_PIXELS = 250

# Sane: the median modulus chi^2 of the inferred results (simulated) or of the refined ones (measured data), which must
# also lie below that of the network alone. An object unrelated to its pattern
# gives 0.3 to 1; the frames of weak signal in a measured scan, mostly noise, 0.1 to 0.2.
SANE_SIMULATED = 0.02
SANE_REFINED = 0.15


def choose_port(preferred):
    """The preferred TCP port of the loopback interface, or any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise RuntimeError("no free port")


def http_get(url):
    """The body, or None when nobody answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError):
        return None


class Demo:
    def __init__(self, arguments):
        self.arguments = arguments
        self.bin = pathlib.Path(arguments.bin)
        self.folder = ROOT / "build" / "demo"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.frames = f"tcp://127.0.0.1:{choose_port(5601)}"
        self.results = f"tcp://127.0.0.1:{choose_port(5602)}"
        self.page = f"http://127.0.0.1:{choose_port(8080)}"
        self.running = []

    def start(self, program, *words):
        log = open(self.folder / f"{program}.out", "wb")
        errors = open(self.folder / f"{program}.err", "wb")
        process = subprocess.Popen([self.bin / program, *map(str, words)], stdout=log, stderr=errors)
        self.running.append(process)
        return process

    def text(self, program, stream):
        return (self.folder / f"{program}.{stream}").read_text(errors="replace")

    def write_config(self):
        measured = self.arguments.data is not None
        path = self.folder / "config.yaml"
        path.write_text(f"""\
source:
- {{endpoint: "{self.frames}", socket: pull, bind: true}}
select: {{minimum_lit_pixels: {0 if measured else MINIMUM_LIT_PIXELS}}}
infer: {{model: "{self.arguments.model}"}}
refine: {{policy: all, schedule: polish}}
publish: {{endpoint: "{self.results}"}}
http: {{port: {self.page.rsplit(':', 1)[1]}}}
""")
        return path

    def start_sender(self):
        seconds = self.arguments.seconds
        if self.arguments.data:
            return self.start("flashphase-replay", self.arguments.data, "--endpoint", self.frames, "--speed", REPLAY_SPEED,
                              "--frames", round(100 * REPLAY_SPEED * seconds))
        return self.start("flashphase-sim", "--protocol", "native", "--endpoint", self.frames, "--rate", RATE, "--frames",
                          RATE * seconds, "--hit-rate", HIT_RATE, "--photons", PHOTONS)

    def status(self):
        body = http_get(self.page + "/api/v1/status")
        if body is None:
            raise RuntimeError("flashphased does not answer; its log ends with:\n" + self.text("flashphased", "err")[-2000:])
        return json.loads(body)

    def wait_until(self, what, seconds, condition):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"waited {seconds} s for: {what}")
            time.sleep(0.05)

    def wait_until_ready(self, daemon):
        def ready():
            if daemon.poll() is not None:
                raise RuntimeError("flashphased ended at once:\n" + self.text("flashphased", "err")[-2000:])
            return http_get(self.page + "/readyz") is not None

        self.wait_until("flashphased to be ready", 120, ready)

    def report_while_running(self, sender):
        """A line a second until the sender is done."""
        before, at = self.status(), time.monotonic()
        second = 0
        while sender.poll() is None:
            second += 1
            time.sleep(max(0.0, at + second - time.monotonic()))
            now = self.status()
            latency = now["latency_milliseconds"]
            residual = now["residual"]["p50"]
            print(f"{second:4d} s  in {now['received'] - before['received']:5d}/s  out {now['published'] - before['published']:5d}/s"
                  f"  refined {now['refined'] - before['refined']:5d}/s  residual {as_number(residual):.5f}"
                  f"  latency p50 {as_number(latency['p50']):.2f} ms  p99 {as_number(latency['p99']):.2f} ms", flush=True)
            before = now

    def run(self):
        config = self.write_config()
        daemon = self.start("flashphased", "-c", config)
        self.wait_until_ready(daemon)
        watcher = self.start("flashphase-watch", self.results, "--json")
        self.wait_until("the watcher's subscription", 10, lambda: self.status()["subscriptions"] > 0)
        print(f"demo: the page is at {self.page}/  (config and logs in {self.folder.relative_to(ROOT)})", flush=True)
        sender = self.start_sender()
        self.report_while_running(sender)
        if sender.wait() != 0:
            raise RuntimeError("the sender failed: " + self.text(pathlib.Path(sender.args[0]).name, "err"))
        sent = json.loads(self.text(pathlib.Path(sender.args[0]).name, "out"))["sent"]
        self.wait_until("the last frames", 20, lambda: self.status()["received"] >= sent and self.status()["in_flight"] == 0)
        last = self.status()
        daemon.send_signal(signal.SIGTERM)
        if daemon.wait(timeout=30) != 0:
            raise RuntimeError("flashphased did not stop cleanly:\n" + self.text("flashphased", "err")[-2000:])
        watcher.wait(timeout=10)
        return self.judge(sent, last)

    def judge(self, sent, status):
        results = [json.loads(line) for line in self.text("flashphase-watch", "out").splitlines()]
        bye = re.search(r"received (\d+) frames = published (\d+) \+ rejected (\d+) \+ dropped (\d+)",
                        self.text("flashphase-watch", "err"))
        if bye is None:
            raise RuntimeError("flashphased said no bye on the result stream")
        received, published, rejected, dropped = map(int, bye.groups())
        inferred = [r["residual"] for r in results if r["stage"] == "inferred"]
        refined = [r for r in results if r["stage"] == "refined"]
        problems = []
        if sent != received or received != published + rejected + dropped:
            problems.append(f"of {sent} frames sent {received} were received and not all of them are accounted for")
        if published == 0 or not inferred:
            problems.append("no reconstruction came out")
        else:
            problems += self.judge_residuals(inferred, refined)
        for problem in problems:
            print("demo: " + problem)
        residual = f"{statistics.median(inferred):.5f}" if inferred else "none"
        print(f"frames in {received} = published {published} + rejected {rejected} + dropped {dropped}; latency p99 "
              f"{as_number(status['latency_milliseconds']['p99']):.2f} ms; residual median {residual}; "
              + ("failed" if problems else "done"))
        return 1 if problems else 0

    def judge_residuals(self, inferred, refined):
        median = statistics.median(inferred)
        if self.arguments.data is None:
            print(f"residual: median {median:.5f} (sane up to {SANE_SIMULATED})")
            return [] if median <= SANE_SIMULATED else [f"the median residual {median:.4f} exceeds {SANE_SIMULATED}"]
        if not refined:
            return ["no refined result came out"]
        values = [r["residual"] for r in refined]
        median_refined = statistics.median(values)
        with h5py.File(self.arguments.data) as file:
            count = len(file["patterns"])  # the replay begins again after the last one
        best = sorted({int(r["sequence"]) % count: r["residual"] for r in refined}.items(), key=lambda item: item[1])[:5]
        print(f"residual: median {median:.5f} after the network, {median_refined:.5f} refined (sane up to {SANE_REFINED}); "
              f"refined: least {min(values):.5f}, greatest {max(values):.5f}")
        print("best refined frames: " + ", ".join(f"{frame}: {residual:.5f}" for frame, residual in best))
        if median_refined > SANE_REFINED or median_refined >= median:
            return [f"the median refined residual {median_refined:.4f} exceeds {SANE_REFINED} or the network's {median:.4f}"]
        return []

    def stop_all(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()


def as_number(value):
    return float("nan") if value is None else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--data", help="dataset to replay instead of simulating")
    parser.add_argument("--model", default=ROOT / "deploy" / "models" / "flash.fpm")
    demo = Demo(parser.parse_args())
    try:
        return demo.run()
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    finally:
        demo.stop_all()


if __name__ == "__main__":
    sys.exit(main())
