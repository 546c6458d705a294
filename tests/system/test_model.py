"""A model is replaced while frames come: by POST, by SIGHUP; what cannot be had changes nothing."""

import json
import os
import shutil
import signal
import threading
import urllib.error
import urllib.request

import pytest

from flashphase import MODEL, Daemon, Subscriber, assert_accounted, simulate, wait_until


def ask_for(daemon, model, kind="application/json"):
    """Status and body of POST /api/v1/model."""
    request = urllib.request.Request(daemon.url + "/api/v1/model", json.dumps({"model": str(model)}).encode(),
                                     {"Content-Type": kind}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def with_model(tmp_path, model=MODEL, **more):
    return Daemon(tmp_path, infer={"model": str(model)}, batch={"size": 4}, **more)


def test_a_model_is_replaced_by_post_while_frames_come_and_none_is_lost(tmp_path):
    with Daemon(tmp_path, batch={"size": 4}) as daemon, Subscriber(daemon) as subscriber:
        sender = threading.Thread(target=simulate, args=(daemon, "--frames", 600, "--rate", 200))
        sender.start()
        first = subscriber.results(20)
        for _ in range(3):
            status, body = ask_for(daemon, MODEL)
            assert status == 200, body
        sender.join()
        simulate(daemon, "--frames", 20, "--rate", "max")  # all may have come before the last model
        status = daemon.wait_until_done(620)
        assert_accounted(status)
        assert status["published"] == 620
        assert status["model"]["name"] == json.loads(body)["name"] != "none"
        assert status["model"]["changes"] == 3
        names = [result.model_name for result in first + subscriber.results(600)]
        assert names[0] == "none" and names[-1] == status["model"]["name"]
        models = [line for line in daemon.get("/metrics").splitlines() if line.startswith("flashphase_model_info{")]
        assert len(models) == 1 and f'name="{status["model"]["name"]}"' in models[0]


def garbage(path):
    path.write_bytes(os.urandom(4096))


def shortened(path):
    path.write_bytes(MODEL.read_bytes()[:5000])


def missing(path):
    assert not path.exists()


@pytest.mark.parametrize("spoil", [garbage, shortened, missing])
def test_a_model_that_cannot_be_had_is_refused_with_a_sentence_and_the_running_one_goes_on(tmp_path, spoil):
    bad = tmp_path / "bad.fpm"
    spoil(bad)
    with with_model(tmp_path) as daemon:
        before = daemon.status()["model"]
        status, why = ask_for(daemon, bad)
        assert status == 409
        assert str(bad) in why and why.endswith("the running model goes on\n"), why
        assert daemon.status()["model"] == before
        assert "event=model_refused" in daemon.log_path.read_text()
        simulate(daemon, "--frames", 20, "--rate", "max")
        assert daemon.wait_until_done(20)["published"] == 20


def test_a_relative_path_is_refused(tmp_path):
    with Daemon(tmp_path) as daemon:
        status, why = ask_for(daemon, "flash.fpm")
        assert status == 409 and "not an absolute path" in why, why
        assert ask_for(daemon, MODEL, "text/plain")[0] == 415


def test_hanging_up_loads_the_model_that_the_configuration_names_now(tmp_path):
    """A service has no terminal."""
    with Daemon(tmp_path, before=os.setsid) as daemon, Subscriber(daemon) as subscriber:
        config = json.loads(daemon.config.read_text())
        own = tmp_path / "own.fpm"
        config["infer"]["model"] = "own.fpm"
        daemon.config.write_text(json.dumps(config))
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: "event=model_refused" in daemon.log_path.read_text())
        assert daemon.status()["model"]["name"] == "none"
        shutil.copy(MODEL, own)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the model", lambda: daemon.status()["model"]["name"] != "none")
        simulate(daemon, "--frames", 20, "--rate", "max")
        assert daemon.wait_until_done(20)["published"] == 20
        assert subscriber.results(20)[-1].model_name != "none"
        daemon.config.write_text("source: 3")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the second refusal", lambda: daemon.log_path.read_text().count("event=model_refused") == 2)
        assert daemon.status()["state"] == "running"
