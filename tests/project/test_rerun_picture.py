"""A real run, served on loopback and watched through a forwarded port by the real viewer, which draws without a window.

Needs a Vulkan driver (Debian: mesa-vulkan-drivers, whose lavapipe draws on the processor); skipped without one.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rerun.experimental import ViewerClient

STAGES = ("load", "outpaint", "initialize", "coarse", "refine")
SMALL = (
    "max_resolution=96",
    "trajectory=orbit",  # at this size, the spiral shows no hole to fill
    "stages.initialize.steps=30",
    "stages.coarse.n_frames=2",
    "stages.coarse.steps=3",
    "stages.coarse.candidates.margin_px=4",
    "stages.refine.steps=6",
    "export.video_frames=2",
)
RELAY = Path(__file__).with_name("relay.py")


def any_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def url(port: str) -> str:
    return f"rerun+http://127.0.0.1:{port}/proxy"


def until(found, seconds, words):
    """What `found` gives once it is not None; errors on the way count as not yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if (value := found()) is not None:
                return value
        except Exception:
            pass
        time.sleep(0.3)
    raise TimeoutError(words())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def start(place):
    """Starts programs that end with the module."""
    started = []

    def begin(*command):
        log = (place / f"{len(started)}.log").open("w+")
        started.append(
            subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"XDG_RUNTIME_DIR": str(place)})
        )
        return started[-1], Path(log.name)

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def run(place, start):
    """The run, what it says, and a port that forwards to its own."""
    served, forwarded = any_port(), any_port()
    start(sys.executable, RELAY, forwarded, served)
    knobs = ("rerun.mode=serve", f"rerun.port={served}", "rerun.wait=true", f"out={place / 'out'}")
    process, said = start(sys.executable, "-m", "vistadream", "single-img", *SMALL, *knobs)
    return process, said, forwarded


@pytest.fixture(scope="module")
def viewer(start, run, read):
    """A client of a headless viewer that was there while the run went on."""
    port, (_, said, forwarded) = any_port(), run
    until(lambda: "watch from here" in said.read_text() or None, 60, said.read_text)
    size = ("--window-size", "1400x900")
    process, log = start(read.PROGRAM, "--connect", url(forwarded), "--headless", "--port", port, *size)

    def connected():
        if process.poll() is not None:
            pytest.skip(f"no headless viewer here: {log.read_text()[-200:]}")
        client = ViewerClient.connect(url(port))
        return client if client.get_state().recordings else None

    return until(connected, 60, log.read_text)


@pytest.fixture(scope="module")
def folder(place, run, viewer):
    """The run's folder, once it has finished."""
    process, said, _ = run

    def finished():
        assert process.poll() is None
        (file,) = place.glob("out/*/*/run.json")
        return file.parent if json.loads(file.read_text())["status"] == "finished" else None

    return until(finished, 300, said.read_text)


def open_tab(client, name):
    """Clicks on a tab, as it were."""
    parts = client.get_blueprint().blueprint
    (root,) = [part for part in parts.values() if part.get("ContainerBlueprint", {}).get("container_kind") == "Tabs"]
    names = {
        path.strip("/"): kind["display_name"]
        for path, part in parts.items()
        for kind in part.values()
        if "display_name" in kind
    }
    tabs = root["ContainerBlueprint"]
    (tabs["active_tab"],) = [path for path in tabs["contents"] if names[path] == name]
    client.set_blueprint(parts, of="recording")
    time.sleep(1.5)


def picture(client):
    return np.asarray(Image.open(io.BytesIO(client.take_screenshot())).convert("RGB")).astype(int)


def faults(client):
    return {view.name: view.reports for view in client.get_state().views if view.reports}


def colourful(pixels):
    return (pixels.max(axis=-1) - pixels.min(axis=-1) > 40).mean()


def test_the_finished_run_is_followed_in_steps_on_its_overview(viewer, folder):
    (recording,) = viewer.get_state().recordings
    assert recording.current_timeline == "step"
    assert faults(viewer) == {}
    scene = picture(viewer)[100:700, 50:800]  # the left of the window
    assert colourful(scene) > 0.1


@pytest.mark.parametrize("tab", ["overview", *STAGES, "config"])
def test_every_tab_draws_something_and_no_view_reports_an_error(viewer, folder, tab):
    open_tab(viewer, tab)
    assert faults(viewer) == {}
    page = picture(viewer)[60:850]  # without the viewer's own bars
    assert page.std() > 10
    assert colourful(page) > 0.03 or tab == "config"


def test_no_view_reports_an_error_at_any_time(viewer, folder):
    (recording,) = viewer.get_state().recordings
    (span,) = (timeline for timeline in recording.timelines if timeline.name == "step")
    open_tab(viewer, "overview")
    for step in np.linspace(span.start, span.end, 6, dtype=int):
        viewer.set_time("step", sequence=int(step), play_state="paused")
        time.sleep(0.5)
        assert faults(viewer) == {}, step


def test_a_second_viewer_that_comes_late_receives_everything(read, start, run, folder, place):
    _, _, forwarded = run
    got = place / "got.rrd"
    start(read.PROGRAM, url(forwarded), "--save", got, "--port", "auto", "--bind", "127.0.0.1")
    rows = read(folder / "run.rrd").rows()
    assert {"/load/input/rgb", "/coarse/hole", "/refine/gaussians", "/refine/loss", "/coarse/log"} <= set(rows)
    until(lambda: read(got).rows() == rows or None, 60, lambda: f"got {read(got).rows()}, wanted {rows}")


def test_ctrl_c_ends_the_wait_at_once(run, folder):
    process, said, _ = run
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0, said.read_text()
