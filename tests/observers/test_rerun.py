"""Whatever becomes of viewers, ports, disks and the process: the run goes on, its recording is read, nothing hangs."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

RUN = """
import os, resource, signal, sys, time
from pathlib import Path
import torch
from vistadream.config import compose
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.observer import RerunObserver

trouble, file = sys.argv[1], Path(sys.argv[2])
if trouble == "disk full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def play(observe):
    for step in range(40):
        observe("refine/loss", float(step), step=step)
        if step == 10:
            time.sleep(0.5)  # several flush ticks
            if trouble.startswith("SIG"):
                os.kill(os.getpid(), getattr(signal, trouble))
            if trouble == "dead viewer":
                os.kill(int(Path(os.environ["VIEWER_PID"]).read_text()), signal.SIGKILL)
        if trouble == "disk full":
            observe("refine/hole", torch.rand(300, 300) < 0.5)


settings = compose([f"rerun.{word}" for word in sys.argv[3:]]).make("rerun", RerunSettings)
observe = RerunObserver(settings, file, name="test", stages=("refine",))
try:
    play(observe)
    Path(file.parent / "result").write_text("the run's own")
finally:
    began = time.monotonic()
    observe.close()
    print("closed in", time.monotonic() - began)
"""
ALL = list(range(1, 41))
HEARD = list(range(1, 12))
"""Steps up to the one that the run is killed at."""


@pytest.fixture
def ends(tmp_path):
    """Plays a run that meets with `trouble`; gives its exit code, its words and its recording's file."""

    def play(trouble, *knobs, **environment):
        file = tmp_path / "run.rrd"
        hidden = ("DISPLAY", "WAYLAND_DISPLAY")
        env = {name: value for name, value in os.environ.items() if name not in hidden} | environment
        command = [sys.executable, "-c", RUN, trouble, file, *knobs]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
        said = done.stdout + done.stderr
        if done.returncode != -signal.SIGKILL:
            assert float(done.stdout.partition("closed in")[2].split()[0]) < 2, said
        assert (tmp_path / "result").exists() != trouble.startswith("SIG"), said
        return done.returncode, said, file

    return play


@pytest.fixture
def listener():
    """Somebody else's server: takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server) -> int:
    return server.getsockname()[1]


def any_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


def check(read, ended, says, code=0, steps=ALL):
    returncode, said, file = ended
    assert returncode == code, said
    assert says in said
    assert read(file).values("/refine/loss", "step").tolist() == steps
    assert read(file).complete()


def test_no_viewer(read, ends):
    url = f"rerun+http://127.0.0.1:{any_port()}/proxy"
    check(read, ends("no viewer", "mode=connect", f"connect={url}"), "no viewer listens on")


def test_dead_viewer(read, ends, tmp_path):
    """It is the real program without its window, and it is killed in the middle of the run."""
    pid, port = tmp_path / "pid", any_port()
    viewer = subprocess.Popen(
        [read.PROGRAM, "--serve-grpc", "--bind", "127.0.0.1", "--port", str(port)], stderr=subprocess.DEVNULL
    )
    pid.write_text(str(viewer.pid))
    try:
        _until_it_listens(port)
        check(read, ends("dead viewer", "mode=connect", f"port={port}", VIEWER_PID=str(pid)), "")
    finally:
        viewer.kill()
        viewer.wait()


def _until_it_listens(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")


def test_no_display(read, ends):
    check(read, ends("no display", f"port={any_port()}"), "")


def test_a_display_that_cannot_be_opened(read, ends):
    check(read, ends("no window", f"port={any_port()}", DISPLAY=":99"), "")


def test_taken_port(read, ends, listener):
    taken = port_of(listener)
    check(read, ends("taken port", "mode=serve", f"port={taken}"), f"rerun.port={taken} is in use, so this run uses")


def test_full_disk(read, ends, tmp_path):
    """The last frame is cut off; `rerun rrd merge` leaves out what it cannot decode."""
    returncode, said, torn = ends("disk full", "mode=save")
    mended = tmp_path / "mended.rrd"
    subprocess.run([read.PROGRAM, "rrd", "merge", torn, "-o", mended], check=True, capture_output=True)
    assert returncode == 0, said
    assert read(mended).values("/refine/loss", "step").tolist()[:3] == [1, 2, 3]


def test_sigterm(read, ends):
    check(read, ends("SIGTERM", "mode=serve", f"port={any_port()}"), "", code=143, steps=HEARD)


def test_sigint(read, ends):
    check(read, ends("SIGINT", "mode=save"), "KeyboardInterrupt", code=-signal.SIGINT, steps=HEARD)


def test_kill_9(read, ends):
    returncode, said, file = ends("SIGKILL", "mode=save")
    assert returncode == -signal.SIGKILL, said
    assert read(file).values("/refine/loss", "step").tolist() == HEARD
    assert not read(file).complete()
