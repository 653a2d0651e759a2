"""The real viewer, without a window, draws what a run records. Needs a Vulkan driver (Debian: mesa-vulkan-drivers)."""

import io
import os
import socket
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from rerun.experimental import ViewerClient

from vistadream.core import Chart, Gaussians, StageFinished, StageStarted
from vistadream.observers.rerun import RerunObserver, RerunSettings

STAGES = ("load", "initialize", "coarse")


@pytest.fixture
def recording(tmp_path, view):
    """A small run: every kind of thing, two coarse views, splats on the pixels of the view."""
    points = view.camera.unproject(view.z).reshape(-1, 3)
    n = len(points)
    quats = torch.eye(4)[:1].expand(n, 4)
    splats = Gaussians(points, quats, torch.full((n, 3), 0.05), torch.ones(n), view.rgb.reshape(-1, 3))
    file = tmp_path / "run.rrd"
    with RerunObserver(RerunSettings(mode="save"), file, name="small", stages=STAGES) as observe:
        observe.log_config("seed: 0")
        for stage in STAGES:
            observe(f"{stage}/started", StageStarted(stage))
            observe(f"{stage}/picture", replace(view, z=None) if stage == "load" else view)
            for k in range(2 * (stage == "coarse")):
                observe(f"coarse/{k:02d}/hole", view.generated)
                observe(f"coarse/{k:02d}/selection", Chart("hole ratio", (0.0, 1.0), (0.1, 0.6), (0.05, 0.4), k))
                observe(f"coarse/{k:02d}/view", view)
                observe(f"coarse/{k:02d}/loss", 0.5, step=k)
            observe(f"{stage}/gaussians", splats if stage != "load" else Gaussians.empty())
            observe(f"{stage}/finished", StageFinished(stage, 1.0))
    return file


@pytest.fixture
def viewer(read, recording, tmp_path):
    """A client of a headless viewer that has the recording open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    command = [read.PROGRAM, "--headless", recording, "--port", port, "--bind", "127.0.0.1", "--window-size", "900x600"]
    said = tmp_path / "viewer.log"
    with said.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream, env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)})
    try:
        yield _connect(process, port, said)
    finally:
        process.kill()
        process.wait()


def _connect(process, port, said):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.skip(f"no headless viewer here: {said.read_text()[-200:]}")
        try:
            client = ViewerClient.connect(f"rerun+http://127.0.0.1:{port}/proxy")
            if client.get_state().recordings:
                return client
        except Exception:  # not up yet
            pass
        time.sleep(0.3)
    raise TimeoutError(said.read_text())


def test_every_view_of_the_open_tab_draws_without_error_at_any_time(viewer):
    (recording,) = viewer.get_state().recordings
    (span,) = (timeline for timeline in recording.timelines if timeline.name == "log_time")
    for moment in np.linspace(span.start, span.end, 5, dtype=np.int64):
        viewer.set_time("log_time", timestamp=np.datetime64(int(moment), "ns"), play_state="paused")
        time.sleep(0.5)
        assert {view.name: view.reports for view in viewer.get_state().views if view.reports} == {}


def test_splats_are_seen(viewer):
    time.sleep(1)
    picture = Image.open(io.BytesIO(viewer.take_screenshot())).convert("RGB")
    scene = np.asarray(picture)[100:550, 50:500].astype(int)  # the left of the window
    colourful = scene.max(axis=-1) - scene.min(axis=-1) > 60
    assert colourful.mean() > 0.1
