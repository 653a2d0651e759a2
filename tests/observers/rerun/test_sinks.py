"""Where recordings go."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from vistadream.config import compose
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.observer import RerunObserver
from vistadream.observers.rerun.sinks import free_port, resolve_mode, viewer_executable


@pytest.fixture
def listener():
    """Somebody else's server: takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def settings(**knobs):
    return replace(compose([]).make("rerun", RerunSettings), **knobs)


def observer(file, **knobs):
    return RerunObserver(settings(**knobs), file, name="test", stages=("refine",))


def port_of(server) -> int:
    return server.getsockname()[1]


def any_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


def test_taken_port_gives_the_next_and_says_so(listener, caplog):
    taken = port_of(listener)
    port = free_port("127.0.0.1", taken)
    assert taken < port < taken + 100
    assert str(taken) in caplog.text
    assert str(port) in caplog.text


@pytest.mark.parametrize(
    ("display", "mode"), [({}, "serve"), ({"DISPLAY": ":0"}, "spawn"), ({"WAYLAND_DISPLAY": "w"}, "spawn")]
)
def test_auto_opens_a_window_only_where_there_is_one(display, mode, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    assert resolve_mode(settings(mode="auto")) == mode


def test_auto_connects_where_an_address_is_given(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    assert resolve_mode(settings(connect="rerun+http://127.0.0.1:1/proxy")) == "connect"


def test_auto_serves_when_the_viewer_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert viewer_executable() is None
    assert resolve_mode(settings(mode="auto")) == "serve"


def test_a_second_process_that_comes_late_gets_everything(read, tmp_path, gaussians, caplog):
    caplog.set_level(logging.INFO, "vistadream")
    file, got, port = tmp_path / "run.rrd", tmp_path / "got.rrd", any_port()
    with observer(file, mode="serve", port=port) as observe:
        observe("refine/gaussians", gaussians)
        observe("refine/loss", 0.25, step=7)
        url = f"rerun+http://127.0.0.1:{port}/proxy"
        assert f"ssh -N -L {port}:127.0.0.1:{port} " in caplog.text
        assert f"rerun --connect {url}" in caplog.text
        command = [read.PROGRAM, url, "--save", got, "--port", "auto", "--bind", "127.0.0.1"]
        receiver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            _until(lambda: got.exists() and "/refine/loss" in read(got), seconds=20)
        finally:
            receiver.terminate()
            receiver.wait()
    for entity, column in (("/refine/loss", "Scalars:scalars"), ("/refine/gaussians", "GaussianSplats3D:centers")):
        assert np.array_equal(read(got).values(entity, column), read(file).values(entity, column))


def _until(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.parametrize(("bind", "host"), [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_to_watch_at_is_one_that_is_served(bind, host, tmp_path, caplog):
    caplog.set_level(logging.INFO, "vistadream")
    port = any_port()
    with observer(tmp_path / "run.rrd", mode="serve", bind=bind, port=port):
        socket.create_connection((host, port), timeout=10).close()
    assert f"watch from here:       rerun --connect rerun+http://{host}:{port}/proxy" in caplog.text
    assert f"ssh -N -L {port}:{host}:{port} " in caplog.text


def test_serving_beyond_this_machine_is_said(tmp_path, caplog):
    with observer(tmp_path / "run.rrd", mode="serve", bind="0.0.0.0", port=any_port()):
        assert "everyone who reaches port" in caplog.text


def test_spawned_viewer_has_a_free_port_and_its_share_of_memory(read, listener, monkeypatch, tmp_path):
    """The viewer is the real program without its window."""
    called, script, file = tmp_path / "called", tmp_path / "rerun", tmp_path / "run.rrd"
    serve = f'exec "{read.PROGRAM}" "$@" --serve-grpc --bind 127.0.0.1'
    script.write_text(f'#!/bin/sh\necho $$ "$@" > "{called}"\n{serve}\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    taken = port_of(listener)
    with observer(file, mode="spawn", port=taken, memory_limit="512MiB") as observe:
        observe("refine/loss", 1.0, step=0)
    pid, *words = called.read_text().split()
    os.kill(int(pid), signal.SIGKILL)
    assert read(file).complete()
    assert "--memory-limit=512MiB" in words
    assert f"--port={taken}" not in words


@pytest.mark.parametrize(("connect", "says"), [(None, ""), ("nonsense", "wanted rerun+http://HOST:PORT/proxy")])
def test_close_is_quick_when_the_other_side_is_no_viewer(read, connect, says, tmp_path, listener, caplog):
    """Somebody else's server takes the call and never speaks; or there is no address at all."""
    file = tmp_path / "run.rrd"
    observe = observer(file, mode="connect", port=port_of(listener), connect=connect)
    observe("refine/loss", 1.0, step=0)
    began = time.monotonic()
    observe.close()
    assert time.monotonic() - began < 2
    assert says in caplog.text
    assert read(file).complete()
