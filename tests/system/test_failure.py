"""When the service cannot go on it says so, accounts for what it has, and ends with the exit code that says what happened."""

import re
import resource
import subprocess

from flashphase import BIN, Daemon, wait_until


def test_memory_that_runs_out_under_load_is_a_failure_with_a_sentence(tmp_path):
    """With so much more memory than it has when it is ready. What gives way first differs: a stage, libzmq, a thread of libzmq's."""
    for mebibytes in (0, 1, 2, 4, 8):
        folder = tmp_path / str(mebibytes)
        folder.mkdir()
        daemon = Daemon(folder, refine={"policy": "all", "schedule": "2000*HIO", "queue": 100000})  # a backlog that grows
        try:
            wait_until("the daemon to be ready", daemon.is_ready)
            with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as status:
                size = int(re.search(r"VmSize:\s+(\d+) kB", status.read())[1]) << 10
            limit = size + (mebibytes << 20)
            resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (limit, limit))
            load = subprocess.Popen([BIN / "flashphase-sim", "--endpoint", daemon.frames, "--frames", "1000000", "--rate", "max"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                code = daemon.process.wait(60)
            finally:
                load.kill()
                load.wait()
        finally:
            daemon.process.kill()
            daemon.process.wait()
            daemon.log.close()
        log = daemon.log_path.read_text()
        assert code == 1, (mebibytes, code, log[-1000:])
        failed = re.search(r'event=failed reason="(.*)"', log)
        assert failed and "memory" in failed[1], (mebibytes, log[-1000:])
        if ended := re.search(r"event=failed received=.*", log):
            assert " accounted=true " in ended[0], ended[0]
