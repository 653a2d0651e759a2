"""A scene to export, what exporters are given with it, and a real browser that is controlled over a pipe."""

import base64
import fcntl
import io
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.config import configured
from vistadream.core import Camera, ExportContext, Gaussians, Scene, SparsePoints, View, silent
from vistadream.exporters.flight import SceneFlight
from vistadream.observers.record import Record
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.evaluation.reach import measure_reach
from vistadream.trajectories.paths import Swing

RENDERER = configured("backends/render=cpu")

FLAGS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-pipe", "--use-angle=swiftshader"),
    *("--enable-unsafe-swiftshader", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


class Browser:
    """One page of a headless Chromium, driven by the DevTools protocol: JSON that ends in a zero byte, on its
    descriptors 3 and 4."""

    def __init__(self, program: str, profile: Path):
        self.complaints: list[str] = []
        """Errors that the page threw or logged."""
        self.requests: list[str] = []
        """Addresses that were asked for, data: and blob: left out."""
        self._ids, self._buffer = itertools.count(1), b""
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser, from_browser)]

        def wire() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        command = [program, *FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=wire, stderr=subprocess.DEVNULL)
        for end in (to_browser, from_browser, *ends):
            os.close(end)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    _session: str | None = None

    def call(self, method: str, **parameters: Any) -> dict:
        """The answer to one command; events that come before it are noted."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer.get("method"), answer.get("params"))

    def _receive(self) -> dict:
        deadline = time.monotonic() + 60
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("chromium does not answer")
            if not (more := os.read(self._read, 1 << 20)):
                raise EOFError("chromium has ended")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)

    def _note(self, method: str | None, event: dict | None) -> None:
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(str(event["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if event["type"] == "error":
                self.complaints.append(str([a.get("value", a.get("description")) for a in event["args"]]))
            case "Log.entryAdded" if event["entry"]["level"] == "error":
                self.complaints.append(event["entry"]["text"])
            case "Network.requestWillBeSent" if not event["request"]["url"].startswith(("data:", "blob:")):
                self.requests.append(event["request"]["url"])

    def open(
        self, page: Path, width_px: int = 1280, height_px: int = 800, scheme: str = "light", query: str = ""
    ) -> None:
        """Loads a file at a window size, in the `light` or `dark` colour scheme, and forgets what was before."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width_px, height=height_px, deviceScaleFactor=1, mobile=False
        )
        self.complaints.clear()
        self.requests.clear()
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=page.as_uri() + query)
        self.wait_for("document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < deadline, f"never: {expression}; {self.complaints}"
            time.sleep(0.1)

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])

    def picture(self, whole_page: bool = False) -> np.ndarray:
        """RGB of what is shown, or of the whole page."""
        png = self.call("Page.captureScreenshot", captureBeyondViewport=whole_page)["data"]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    """A Chromium; skipped where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


def scene_of(z: torch.Tensor, red: torch.Tensor) -> Scene:
    """A photo's view with this depth, red there and blue elsewhere, and one Gaussian on each of its pixels."""
    height, width = z.shape
    camera = Camera.from_fov(60, width, height)
    rgb = torch.where(red[..., None], torch.tensor([0.9, 0.1, 0.1]), torch.tensor([0.1, 0.1, 0.9]))
    n = z.numel()
    scales = (0.6 * z / camera.fx).reshape(-1, 1).expand(n, 3)
    quats = torch.eye(4)[:1].expand(n, 4)
    walls = Gaussians(camera.unproject(z).reshape(-1, 3), quats, scales, torch.full((n,), 0.99), rgb.reshape(-1, 3))
    seen = torch.ones(height, width, dtype=torch.bool)
    return Scene((View("input", camera, rgb, z, seen, seen, ~seen),), walls)


@pytest.fixture
def scene() -> Scene:
    """A red wall on the left, near, and a blue one on the right, four times as far: one Gaussian on each pixel."""
    left = torch.arange(48)[None].expand(32, 48) < 24
    return scene_of(torch.where(left, 1.0, 4.0), left)


@pytest.fixture
def receding_wall() -> Scene:
    """A wall whose depth grows from 2 on the left to 4 on the right."""
    z = torch.linspace(2.0, 4.0, 48).expand(32, 48).contiguous()
    return scene_of(z, z > 3)


CUBE_CENTER = torch.tensor([0.3, 0.1, 4.0])
CUBE_SIDE = 1.6


def cube_colors(points: torch.Tensor) -> torch.Tensor:
    """A color that says where on the cube a point lies."""
    return ((points - CUBE_CENTER) / CUBE_SIDE + 0.5).clamp(0, 1)


def cube_view(name: str, eye: tuple[float, float, float], width: int = 64, height: int = 48) -> View:
    """A photo of the cube from a place in the world; z is 0 where the cube is not seen."""
    position = torch.tensor(eye)
    pose = look_at(position, CUBE_CENTER, torch.tensor([0.0, 1.0, 0.0])) if name != "middle" else torch.eye(4)
    camera = replace(Camera.from_focal(70.0, width, height, (30.5, 25.25)), cam_from_world=pose)
    rays = camera.rays() @ camera.cam_from_world[:3, :3]
    hits = (CUBE_CENTER - camera.center + torch.tensor([[[[-1.0]]], [[[1.0]]]]) * CUBE_SIDE / 2) / rays
    near, far = hits.amin(0).amax(-1), hits.amax(0).amin(-1)
    z = torch.where(near < far, near, 0.0)
    seen = torch.ones(height, width, dtype=torch.bool)
    rgb = torch.where(z[..., None] > 0, cube_colors(camera.unproject(z)), torch.tensor(0.2))
    return View(name, camera, rgb, z, seen, seen, ~seen)


@pytest.fixture
def check_cube() -> Callable[..., None]:
    """Checks that points lie on the cube, and that their colors are those of their places."""

    def check(points: np.ndarray, rgb: np.ndarray, levels: float = 0.51) -> None:
        at = torch.from_numpy(np.array(points, np.float32))
        off = ((at - CUBE_CENTER).abs().amax(-1) - CUBE_SIDE / 2).abs()
        assert len(at) > 500
        assert off.max() < 1e-5
        assert np.abs(np.asarray(rgb) - cube_colors(at).numpy()).max() * 255 <= levels

    return check


@pytest.fixture
def check_cube_surface() -> Callable[..., None]:
    """Checks that triangles lie on the cube but for rounded edges, face outward, and have the colors of the cube."""

    def check(points: np.ndarray, rgb: np.ndarray, faces: np.ndarray) -> None:
        at = torch.from_numpy(np.array(points, np.float32))
        off = ((at - CUBE_CENTER).abs().amax(-1) - CUBE_SIDE / 2).abs()
        assert off.median() < 0.002 * CUBE_SIDE
        assert off.max() < 0.06 * CUBE_SIDE
        assert np.median(np.abs(np.asarray(rgb) - cube_colors(at).numpy()).max(-1)) < 0.03
        a, b, c = at[torch.from_numpy(np.array(faces, np.int64))].unbind(1)
        outward = ((a - CUBE_CENTER) * torch.linalg.cross(b - a, c - a)).sum(-1) > 0
        assert len(outward) > 2000
        assert outward.double().mean() > 0.99

    return check


@pytest.fixture
def cube() -> Scene:
    """Three photos of a cube, whose corners are the points of the registration, and the canvas of the first photo."""
    photos = [cube_view("middle", (0, 0, 0)), cube_view("left", (-1.5, -0.5, 0.5)), cube_view("right", (1.5, 0.2, 1))]
    corners = CUBE_CENTER + CUBE_SIDE * (torch.tensor([*itertools.product((0.0, 1.0), repeat=3)]) - 0.5)
    px = torch.cat([view.camera.project(corners)[0] for view in photos])
    index = torch.arange(8).repeat(3)
    names = tuple(view.name for view in photos)
    points = SparsePoints(
        corners, cube_colors(corners), torch.full((8,), 0.5), names, index, torch.arange(3).repeat_interleave(8), px
    )
    canvas = replace(photos[0], name="canvas", origin="canvas", extends="middle", generated=photos[0].supervise)
    return Scene((*photos, canvas), points=points)


@pytest.fixture
def context() -> Callable[..., ExportContext]:
    """Makes a context for a scene, with a flight of four frames."""

    def make(scene, renderer=None, trajectory=None, observe=silent, **others) -> ExportContext:
        renderer = renderer or RENDERER
        flight = SceneFlight(scene, trajectory or Swing(0.05), 4, renderer, observe)
        given = {"stage": "refine", "record": Record(), "facts": dict, "changed": {}, "title": "a run", **others}
        reach = cache(partial(measure_reach, scene, renderer))
        return ExportContext(renderer=renderer, flight=flight, reach=reach, observe=observe, **given)

    return make


class Keeping(CpuRenderer):
    """Keeps what it draws in color, which the look ahead for the range of depth is not."""

    def __call__(self, gaussians, cameras, **options):
        seen = super().__call__(gaussians, cameras, **options)
        self.drawn += [one for one in seen if one.rgb is not None]
        return seen


@pytest.fixture
def keeping() -> Keeping:
    """A renderer whose `drawn` holds every rendering in color."""
    renderer = Keeping(**vars(RENDERER))
    object.__setattr__(renderer, "drawn", [])
    return renderer
