"""Watching from another machine: box and laptop are two network namespaces, with nothing between them but one relay.

The relay takes the place of `ssh -L`; docs/remote.md tells how the same was tried with ssh itself.
"""

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.project.namespaces import RELAY, alone, skip_without_namespaces

PORT = 9876
BOX = """
import sys
from pathlib import Path
import torch
from vistadream.config import compose
from vistadream.core import Gaussians
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.observer import RerunObserver

n = 5000
splats = Gaussians(torch.randn(n, 3), torch.randn(n, 4), torch.ones(n, 3), torch.rand(n), torch.rand(n, 3))
settings = compose(["rerun.mode=serve", "rerun.wait=true"]).make("rerun", RerunSettings)
with RerunObserver(settings, Path(sys.argv[1]), name="far", stages=("refine",)) as observe:
    for step in range(40):
        observe("refine/loss", float(step), step=step)
    observe("refine/gaussians", splats)
"""
REACHED = f"import socket; socket.create_connection(('127.0.0.1', {PORT}), timeout=2)"


@pytest.fixture
def start():
    """Starts scripts, each in a session of its own, which ends with the test."""
    started = []

    def begin(script):
        process = subprocess.Popen(alone(script), stderr=subprocess.DEVNULL, start_new_session=True)
        started.append(process)

    yield begin
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def test_a_laptop_sees_all_of_a_run_on_a_box_through_one_forwarded_port(read, start, tmp_path):
    skip_without_namespaces()
    wire, file, got = tmp_path / "wire", tmp_path / "run.rrd", tmp_path / "got.rrd"
    start(f"{RELAY} {wire} {PORT} & exec {sys.executable} -c '{BOX}' {file}")
    until(lambda: wire.exists() and file.exists() and "/refine/gaussians" in read(file))
    reach = f"{sys.executable} -c {REACHED!r}"
    assert subprocess.run(alone(reach), capture_output=True).returncode, "the namespaces are not apart"
    url = f"rerun+http://127.0.0.1:{PORT}/proxy"
    receive = f"exec {read.PROGRAM} {url} --save {got} --port auto --bind 127.0.0.1"
    start(f"{RELAY} {PORT} {wire} & until {reach}; do sleep 0.2; done; {receive}")
    until(lambda: got.exists() and "/refine/gaussians" in read(got))
    assert read(got).values("/refine/loss", "step").tolist() == list(range(1, 41))
    assert len(read(got)["/refine/gaussians"]["GaussianSplats3D:centers"][0]) == 5000
