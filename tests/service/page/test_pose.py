"""Poses on their way into the viewer and back, and from the viewer through the service into a camera path."""

import base64
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.service.conftest import Running
from tests.service.page.conftest import Replay, Tab

from vistadream.config import configured
from vistadream.core import Camera, Scene
from vistadream.formats.scene import load_scene
from vistadream.ops.evaluation.metrics import psnr
from vistadream.runs.paths import RunPaths
from vistadream.trajectories.custom import Custom

VIEWER = "document.querySelector('vd-scene-view').viewer"
RENDERER = configured("backends/render=cpu")
FRAMES = """async (n) => {
  const { app } = document.querySelector("vd-scene-view").viewer.handle;
  for (let k = 0; k < n; k++) await new Promise((resolve) => app.once("update", resolve));
}"""
"""Waits until the viewer itself has moved its camera n times."""
THERE_AND_BACK = f"""async (poses) => {{
  const frames = {FRAMES};
  const viewer = {VIEWER};
  const found = [];
  for (const pose of poses) {{
    viewer.go(pose);
    await frames(2);
    const [place, turn] = [viewer.camera.getPosition(), viewer.camera.getRotation()];
    found.push([viewer.pose, [place.x, place.y, place.z], [turn.w, turn.x, turn.y, turn.z]]);
  }}
  return found;
}}"""
"""What the page reads of the viewer's camera for each pose, and where the viewer has it in its own world."""
TURNED = torch.diag(torch.tensor([-1.0, -1.0, 1.0]))
"""From the run's world to the viewer's: half a turn about z."""


def opened(drawing_tab: Callable[..., Tab], job: str, service: Running | None = None) -> Tab:
    """The page of a scene in a small window."""
    tab = drawing_tab(service, viewport={"width": 500, "height": 700})
    tab.open(f"#/scene/{job}")
    tab.see(".tools button")
    return tab


@pytest.fixture
def scene(app: Running, job: str) -> Scene:
    return load_scene(RunPaths(app.data / "jobs" / job / "run").stage("initialize"))


def upright(place: torch.Tensor, yaw: float, pitch: float) -> torch.Tensor:
    """world_from_cam of a camera whose x axis is level, in the run's world, in which y is down."""
    ahead = torch.tensor([math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
    right = torch.tensor([math.cos(yaw), 0.0, -math.sin(yaw)])
    pose = torch.eye(4)
    pose[:3] = torch.stack([right, torch.linalg.cross(ahead, right), ahead, place], dim=1)
    return pose


def turned_deg(a: torch.Tensor, b: torch.Tensor) -> float:
    """The angle of the rotation between two; by its sine, which is exact for small angles."""
    turn = a[:3, :3].double().T @ b[:3, :3].double()
    sine = torch.stack([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]).norm() / 2
    return math.degrees(math.atan2(float(sine), float((turn.trace() - 1) / 2)))


def rotation_of(quaternion: list[float]) -> torch.Tensor:
    w, x, y, z = quaternion
    return torch.tensor(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def shown_psnr(tab: Tab, scene: Scene, camera: Camera) -> float:
    """How near what the viewer shows is to what the CPU renderer draws from a camera."""
    width, height = camera.width, camera.height
    frame = tab.ask(f"{VIEWER}.handle.captureFrame({{width: {width}, height: {height}}})")
    shown = np.frombuffer(base64.b64decode(frame["data"]), np.uint8).reshape(height, width, 4)[..., :3]
    (drawn,) = RENDERER(scene.gaussians, [camera])
    return float(psnr(torch.from_numpy(shown / 255).float(), drawn.rgb.clamp(0, 1)))


def test_fifty_poses_come_back_from_the_viewer_as_they_were_set(drawing_tab, app, job):
    depth = app.client.get(f"/v1/jobs/{job}/camera").json()["focus_z"]
    tab, chance = opened(drawing_tab, job), torch.Generator().manual_seed(0)
    tab.free_camera()
    shares = 2 * torch.rand(50, 5, generator=chance) - 1
    poses = [upright(0.5 * depth * row[:3], 3 * float(row[3]), 1.4 * float(row[4])) for row in shares]
    found = tab.page.evaluate(THERE_AND_BACK, [pose.tolist() for pose in poses])
    for pose, (read, place, turn) in zip(poses, found, strict=True):
        assert turned_deg(torch.tensor(read), pose) < 0.1
        assert (torch.tensor(read)[:3, 3] - pose[:3, 3]).norm() < 1e-3 * depth
        viewers = torch.eye(4)
        viewers[:3, :3] = TURNED @ pose[:3, :3] @ torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # y up, looking along -z
        assert turned_deg(rotation_of(turn), viewers) < 0.1
        assert (torch.tensor(place) - TURNED @ pose[:3, 3]).norm() < 1e-3 * depth


def at_rest(tab: Tab) -> torch.Tensor:
    """The pose of the viewer's camera when it no longer moves by itself."""
    before, now = None, tab.ask(f"{VIEWER}.pose")
    while before is None or not torch.allclose(torch.tensor(now), torch.tensor(before), atol=1e-6):
        before = now
        tab.page.evaluate(FRAMES, 3)
        now = tab.ask(f"{VIEWER}.pose")
    return torch.tensor(now)


def test_a_dragged_view_is_drawn_again_from_the_cameras_that_the_page_sends(drawing_tab, scene, app, idle, job):
    """The camera goes from the viewer over the page and the service into a file, and from that into a camera path."""
    run = app.data / "jobs" / job / "run"
    copy = Replay(idle, run)
    copy.write(len((run / "events.jsonl").read_text().splitlines()))
    copy.end()
    tab = opened(drawing_tab, copy.id, idle)
    tab.free_camera()
    box = tab.page.locator(".viewer canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 50, y + 15, steps=4)
    tab.page.mouse.up()
    tab.until(f"Math.abs({VIEWER}.pose[0][2]) > 0.05")
    stood = at_rest(tab)
    tab.press("Fill from here")
    tab.until("document.querySelector('vd-fill-panel vd-go-on button')?.disabled === false")
    tab.press("Go on with these")
    tab.see(".state.queued")
    (file,) = (idle.data / "jobs" / copy.id).rglob("cameras.*.json")
    camera = Custom(file, "world", 1.0, "photo")(scene, 2)[-1]
    assert turned_deg(camera.world_from_cam, stood) < 0.1
    assert shown_psnr(tab, scene, camera) >= 25
