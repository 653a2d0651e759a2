"""What is exported: which scene goes into which format, and flights whose frames are rendered once for all videos."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import torch

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians, Note, Scene, UserError, View, silent
from vistadream.deliver import PICTURES, Export, deliver
from vistadream.formats.fastgs_dataset import read_dataset
from vistadream.formats.ply import read_ply
from vistadream.formats.splat import ROW
from vistadream.runs.folder import RunFolder
from vistadream.trajectories.paths import Dolly, Swing

WIDTH = 48
NOTHING = Export([], 0.15, [], [], None, 4, 12, 0, False, False)


class Keeping(CpuRenderer):
    """Keeps what it draws in color, which the look ahead for the range of depth is not."""

    drawn: ClassVar[list] = []

    def __call__(self, gaussians, cameras, **options):
        seen = super().__call__(gaussians, cameras, **options)
        Keeping.drawn += [one for one in seen if one.rgb is not None]
        return seen


@pytest.fixture(autouse=True)
def _forget() -> None:
    Keeping.drawn.clear()


@pytest.fixture
def scene() -> Scene:
    """A red wall on the left, near, and a blue one on the right, four times as far: one Gaussian on each pixel."""
    left = torch.arange(WIDTH)[None].expand(32, WIDTH) < 24
    return scene_of(torch.where(left, 1.0, 4.0), left)


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


def frames(path: Path) -> np.ndarray:
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader])


def test_every_frame_is_rendered_once_for_all_videos(scene: Scene, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    export = replace(NOTHING, videos=list(PICTURES), video_formats=["mp4", "gif", "webp"])
    deliver(scene, "initialize", folder, export, Keeping(), Swing(0.05), silent)
    assert len(Keeping.drawn) == export.video_frames + 1, "and once the photo's own view, for the metrics"
    assert len(list((tmp_path / "export").iterdir())) == 9
    color, depth, both = (frames(folder.video(picture, "mp4")) for picture in PICTURES)
    assert color.shape == depth.shape == (4, 32, 48, 3)
    assert np.abs(both.astype(int) - np.concatenate([color, depth], axis=2)).mean() < 6, "side by side: color, depth"
    for frame in depth.astype(int):
        near, far = frame[16, 6], frame[16, 42]
        assert near[0] > near[2] + 40, "near is red"
        assert far[2] > far[0], "far is blue"


def test_depth_has_one_color_map_for_the_whole_flight_and_seldom_saturates(tmp_path: Path) -> None:
    """A camera moves towards a wall that recedes to the right: turbo's level is one line over 1/z in all frames."""
    z = torch.linspace(2.0, 4.0, WIDTH).expand(32, WIDTH).contiguous()
    folder, export = RunFolder(tmp_path), replace(NOTHING, videos=["depth"], video_formats=["mp4"])
    deliver(scene_of(z, z > 3), "initialize", folder, export, Keeping(), Dolly(0.4, 0.0), silent)
    seen = Keeping.drawn[1:]
    known = np.stack([one.alpha.numpy() > 0.9 for one in seen])
    inverse, level = (
        1 / np.stack([one.z.numpy() for one in seen])[known],
        turbo_level(frames(folder.video("depth", "mp4"))[known]),
    )
    assert min(float(one.z.min()) for one in seen) < 1.5, "the camera comes nearer than the photo was"
    within = (level > 10) & (level < 245)
    slope, offset = np.polyfit(inverse[within], level[within], 1)
    assert slope > 0, "near is red"
    assert np.abs(slope * inverse + offset - level)[within].max() < 12, "4:2:0 chroma costs some levels"
    assert ((level < 2) | (level > 253)).mean() < 0.05


def turbo_level(colors: np.ndarray) -> np.ndarray:
    """The level, 0 to 255, whose turbo color is nearest to each of the (n, 3) colors."""
    turbo = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO)[:, 0, ::-1].astype(int)
    return np.abs(colors[:, None].astype(int) - turbo).sum(-1).argmin(1)


def test_holes_along_the_flight_are_observed_and_summed_up(scene: Scene, tmp_path: Path) -> None:
    seen: dict[int, float] = {}

    def observe(name, value, step=None) -> None:
        if name == "export/hole_ratio":
            seen[step] = value

    metrics = deliver(scene, "initialize", RunFolder(tmp_path), NOTHING, CpuRenderer(), Swing(0.3), observe)
    assert list(seen) == [0, 1, 2, 3]
    assert metrics["path_hole_ratio"]["largest"] == max(seen.values()) > 0
    assert metrics["path_hole_ratio"]["mean"] == pytest.approx(sum(seen.values()) / 4)


@pytest.mark.parametrize(("near_z", "warned"), [(0.01, False), (1e9, True)])
def test_a_view_of_nothing_is_warned_of(scene: Scene, tmp_path: Path, near_z: float, warned: bool) -> None:
    said = []

    def observe(name, value, step=None) -> None:
        if isinstance(value, Note) and value.level == "warning":
            said.append(value.text)

    renderer = CpuRenderer(near_z=near_z)
    deliver(scene, "initialize", RunFolder(tmp_path), NOTHING, renderer, Swing(0.05), observe)
    assert any("covers 0% of the photo's own view" in text for text in said) == warned


def test_ply_is_exact_and_formats_for_viewers_are_widened(scene: Scene, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    export = replace(NOTHING, formats=["ply", "splat"])
    deliver(scene, "initialize", folder, export, CpuRenderer(), Swing(0.05), silent)
    torch.testing.assert_close(read_ply(folder.scene("ply")).scales, scene.gaussians.scales)
    rows = np.frombuffer(folder.scene("splat").read_bytes(), ROW)
    pixel = rows["mean"][:, 2] / scene.view("input").camera.fx
    np.testing.assert_allclose(rows["scale"][:, 0], pixel * math.sqrt(0.6**2 + 0.15), rtol=1e-4)


def test_views_that_make_no_dataset_are_one_sentence(scene: Scene, tmp_path: Path) -> None:
    blind = replace(scene.view("input"), supervise=torch.zeros(32, 48, dtype=torch.bool))
    export = replace(NOTHING, fastgs=True)
    with pytest.raises(UserError, match=r"export\.fastgs: .*nothing to write"):
        deliver(scene.with_views(blind), "initialize", RunFolder(tmp_path), export, CpuRenderer(), Swing(0.05), silent)


def test_the_views_are_left_as_a_dataset_that_is_never_overwritten(scene: Scene, tmp_path: Path) -> None:
    folder, notes = RunFolder(tmp_path), []
    hidden = replace(scene.view("input"), name="hidden", supervise=torch.zeros(32, 48, dtype=torch.bool))
    scene = scene.with_views(hidden)
    export = replace(NOTHING, fastgs=True)

    def observe(name, value, step=None) -> None:
        if name == "export/fastgs" and isinstance(value, Note):
            notes.append(value.text)

    deliver(scene, "initialize", folder, export, CpuRenderer(), Swing(0.05), observe)
    (sample,) = read_dataset(folder.dataset)
    assert torch.equal(sample.view.z, scene.view("input").z)
    assert "'hidden' is left out" in notes[0]
    before = (folder.dataset / "meta.json").stat().st_mtime_ns
    deliver(scene, "initialize", folder, export, CpuRenderer(), Swing(0.05), observe)
    assert (folder.dataset / "meta.json").stat().st_mtime_ns == before
    assert "stays as it is" in notes[1]
    assert [path.name for path in (tmp_path / "export").iterdir()] == ["fastgs"], "no draft is left"


def test_results_of_another_stage_go_whether_they_are_asked_for_or_not(scene: Scene, tmp_path: Path) -> None:
    folder, view = RunFolder(tmp_path), scene.view("input")
    other = Scene((replace(view, z=view.z + 1),), scene.gaussians.subset(torch.arange(700)))
    every = replace(NOTHING, formats=["ply", "splat"], fastgs=True, videos=["rgb"], video_formats=["gif"])
    deliver(scene, "refine", folder, every, CpuRenderer(), Swing(0.05), silent)
    folder.report.touch()
    (tmp_path / "export" / "mine.txt").touch()
    export = replace(NOTHING, formats=["ply"], fastgs=True)
    metrics = deliver(other, "coarse", folder, export, CpuRenderer(), Swing(0.05), silent)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in [*tmp_path.iterdir(), *tmp_path.glob("export/*")])
    assert left == ["export", "export/fastgs", "export/gaussians.ply", "export/mine.txt", "metrics.json"]
    assert len(read_ply(folder.gaussians)) == 700
    assert torch.equal(read_dataset(folder.dataset)[0].view.z, view.z + 1)
    assert json.loads(folder.metrics.read_text()) == metrics
    assert metrics["stage"] == "coarse"


def test_results_that_stay_after_a_kill_are_not_trusted(scene: Scene, tmp_path: Path) -> None:
    """metrics.json comes last: without it nobody knows which scene the others are of."""
    folder = RunFolder(tmp_path)
    deliver(scene, "refine", folder, replace(NOTHING, formats=["splat"]), CpuRenderer(), Swing(0.05), silent)
    folder.metrics.unlink()
    deliver(scene, "refine", folder, NOTHING, CpuRenderer(), Swing(0.05), silent)
    assert not folder.scene("splat").exists()
