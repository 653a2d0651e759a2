"""Where recordings go, and that nothing on the way there can hold up or lose a run."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from vistadream.observers.rerun import RerunObserver, RerunSettings
from vistadream.observers.rerun.sinks import free_port, resolve_mode, viewer_executable


@pytest.fixture
def listener():
    """Somebody else's server: takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def observer(file, **knobs):
    return RerunObserver(RerunSettings(**knobs), file, name="test", stages=("refine",))


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
    assert resolve_mode(RerunSettings(mode="auto")) == mode


def test_auto_serves_when_the_viewer_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert viewer_executable() is None
    assert resolve_mode(RerunSettings(mode="auto")) == "serve"


def test_spawned_viewer_has_a_free_port_and_its_death_harms_nothing(read, listener, monkeypatch, tmp_path):
    """The viewer is the real program without its window."""
    called, script, file = tmp_path / "called", tmp_path / "rerun", tmp_path / "run.rrd"
    serve = f'exec "{read.PROGRAM}" "$@" --serve-grpc --bind 127.0.0.1'
    script.write_text(f'#!/bin/sh\necho $$ "$@" > "{called}"\n{serve}\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    observe = observer(file, mode="spawn", port=port_of(listener), memory_limit="512MiB")
    observe("refine/loss", 1.0, step=0)
    pid, *words = called.read_text().split()
    os.kill(int(pid), signal.SIGKILL)
    observe("refine/loss", 0.5, step=1)
    began = time.monotonic()
    observe.close()
    assert time.monotonic() - began < 2
    assert read(file).complete()
    assert read(file).values("/refine/loss", "step").tolist() == [0, 1]
    assert "--memory-limit=512MiB" in words
    assert f"--port={port_of(listener)}" not in words


def test_viewer_that_does_not_start_is_said_and_the_file_is_whole(read, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("vistadream.observers.rerun.sinks.viewer_executable", lambda: None)
    file = tmp_path / "run.rrd"
    with observer(file, mode="spawn", port=any_port()) as observe:
        observe("refine/loss", 1.0, step=0)
    assert "rerun.mode=serve" in caplog.text
    assert read(file).complete()


def test_a_second_process_that_comes_late_gets_everything(read, tmp_path, gaussians, caplog):
    caplog.set_level(logging.INFO, "vistadream")
    file, got, port = tmp_path / "run.rrd", tmp_path / "got.rrd", any_port()
    with observer(file, mode="serve", port=port) as observe:
        observe("refine/gaussians", gaussians)
        observe("refine/loss", 0.25, step=7)
        url = f"rerun+http://127.0.0.1:{port}/proxy"
        assert f"ssh -L {port}:127.0.0.1:{port} " in caplog.text
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


def test_serving_beyond_this_machine_is_said(tmp_path, caplog):
    with observer(tmp_path / "run.rrd", mode="serve", bind="0.0.0.0", port=any_port()):
        assert "whoever reaches port" in caplog.text


@pytest.mark.parametrize("answer", ["nobody", "frozen", "nonsense"])
def test_close_is_quick_whoever_is_there(read, answer, tmp_path, listener, gaussians, caplog):
    urls = {"nobody": f"rerun+http://127.0.0.1:{any_port()}/proxy", "nonsense": "no address"}
    file = tmp_path / "run.rrd"
    observe = observer(file, mode="connect", port=port_of(listener), connect=urls.get(answer))
    observe("refine/gaussians", gaussians)
    began = time.monotonic()
    observe.close()
    assert time.monotonic() - began < 2
    assert caplog.text
    assert read(file).complete()
    assert read(file).values("/refine/gaussians", "GaussianSplats3D:centers").shape == (1, 50, 3)


RUN = """
import os, resource, signal, sys, time
from pathlib import Path
import torch
from vistadream.observers.rerun import RerunObserver, RerunSettings

ending, file = sys.argv[1], Path(sys.argv[2])
if ending == "disk full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
with RerunObserver(RerunSettings(mode="save"), file, name="test", stages=("refine",)) as observe:
    for step in range(40):
        observe("refine/loss", float(step), step=step)
        if step == 10:
            time.sleep(0.5)  # several flush ticks
            if ending in ("SIGKILL", "SIGTERM", "SIGINT"):
                os.kill(os.getpid(), getattr(signal, ending))
        if ending == "disk full":
            observe("refine/hole", torch.rand(300, 300) < 0.5)
"""


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "SIGKILL", "disk full"])
def test_what_was_flushed_can_be_read_however_a_run_ends(read, ending, tmp_path):
    file = tmp_path / "run.rrd"
    done = subprocess.run([sys.executable, "-c", RUN, ending, file], capture_output=True, text=True, timeout=60)
    codes = {"SIGTERM": 143, "SIGINT": -signal.SIGINT, "SIGKILL": -signal.SIGKILL, "disk full": 0}
    assert done.returncode == codes[ending], done.stderr
    if ending == "disk full":  # the last frame is cut off; `rerun rrd merge` leaves out what it cannot decode
        torn, file = file, tmp_path / "mended.rrd"
        subprocess.run([read.PROGRAM, "rrd", "merge", torn, "-o", file], check=True, capture_output=True)
        assert read(file)["/refine/loss"]["step"][:3] == [0, 1, 2]
        return
    assert read(file).values("/refine/loss", "step").tolist() == list(range(11))
    assert read(file).complete() == (ending != "SIGKILL")
