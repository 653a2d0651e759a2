"""Which Gaussians go into which file, and the viewer's page in a real browser."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Scene, UserError, View
from vistadream.exporters.file_names import CONVERTED, GAUSSIAN_FORMATS, gaussians_file
from vistadream.exporters.gaussians import GaussianFiles
from vistadream.exporters.viewer_flight import flight_settings
from vistadream.formats.ply import read_ply
from vistadream.formats.splat import ROW
from vistadream.formats.splat_transform import INSTALL, find_splat_transform, write_viewer
from vistadream.formats.viewer_limits import ViewerLimits, limit_viewer
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.evaluation.metrics import psnr

RENDERER = configured("backends/render=cpu")


def test_ply_is_exact_and_formats_for_viewers_are_widened(scene: Scene, context, tmp_path: Path) -> None:
    GaussianFiles(["ply", "splat"], 0.15, True)(scene, tmp_path, context(scene))
    torch.testing.assert_close(read_ply(tmp_path / "gaussians.ply").scales, scene.gaussians.scales)
    rows = np.frombuffer((tmp_path / "gaussians.splat").read_bytes(), ROW)
    pixel = rows["mean"][:, 2] / scene.anchor.camera.fx
    np.testing.assert_allclose(rows["scale"][:, 0], pixel * math.sqrt(0.6**2 + 0.15), rtol=1e-4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["gaussians.ply", "gaussians.splat"], "no draft"


def test_every_format_has_a_file_of_its_own() -> None:
    assert len({gaussians_file(form) for form in GAUSSIAN_FORMATS}) == len(GAUSSIAN_FORMATS)
    assert set(CONVERTED) < set(GAUSSIAN_FORMATS)


@pytest.mark.parametrize(
    ("formats", "smoothing_px2", "match"),
    [
        (["ply", "obj"], 0.1, "got 'obj'; wanted some of ply, splat"),
        (["ply", "ply"], 0.1, "each once"),
        (["sogg"], 0.1, r"did you mean sog\?"),
        (["ply"], -1.0, "wanted 0 to 1"),
        (["ply"], math.nan, "wanted 0 to 1"),
    ],
)
def test_values_that_are_not_possible_are_refused(formats: list[str], smoothing_px2: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        GaussianFiles(formats, smoothing_px2, True)


def test_a_missing_program_is_named_before_anything_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="formats=sog: splat-transform is not installed") as caught:
        GaussianFiles(["ply", "sog"], 0.1, True)
    assert str(caught.value).endswith(INSTALL)
    GaussianFiles(["ply", "splat"], 0.1, True)


def room() -> tuple[Gaussians, Camera]:
    """A floor, and on it a red ball to the left and a green one, higher, to the right; seen from above the floor."""
    camera = Camera.from_fov(60, 64, 48)
    u, v = torch.meshgrid(torch.linspace(-3, 3, 61), torch.linspace(2, 8, 61), indexing="ij")
    floor = torch.stack([u, torch.full_like(u, 1.0), v], -1).reshape(-1, 3)
    means = torch.cat([floor, torch.tensor([[-1.0, 0.3, 4.0], [1.0, -0.7, 4.0]])])
    scales = torch.full((len(means), 3), 0.08)
    scales[-2:] = 0.25
    colors = torch.full((len(means), 3), 0.6)
    colors[-2:] = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1]])
    quats = torch.eye(4)[:1].expand(len(means), 4)
    return Gaussians(means, quats, scales, torch.full((len(means),), 0.98), colors), camera


def test_viewer_page_shows_the_scene_from_the_photo_without_a_network(tmp_path: Path, browser, context) -> None:
    """The page's picture at its first moment, and half way through its flight, compared with our own renderer's."""
    gaussians, camera = room()
    away = camera.at(look_at(torch.tensor([1.0, -0.5, 0.5]), torch.tensor([0.0, 0.0, 4.0]), torch.tensor([0, 1.0, 0])))
    try:
        find_splat_transform()
    except UserError as error:
        pytest.skip(str(error))
    known = torch.ones(48, 64, dtype=torch.bool)
    photo = View("input", camera, torch.zeros(48, 64, 3), torch.full((48, 64), 4.0), known, known, ~known)
    scene = Scene((photo,), gaussians)
    given = context(scene)
    given.flight.cameras = lambda: [away]
    GaussianFiles(["html"], 0.0, True)(scene, tmp_path, given)
    page = tmp_path / "viewer.html"
    browser.open(page, 640, 480, query="?noui")
    browser.wait_for("typeof scrubTo === 'function'")
    for moment, seen_from in ((0, camera), (10, away)):
        browser.ask(f"scrubTo({moment}).then(() => 1)")
        shown = Image.fromarray(browser.picture()).resize((64, 48), Image.Resampling.BOX)
        ours = RENDERER(gaussians, [seen_from], want=("rgb",))[0].rgb
        assert psnr(torch.from_numpy(np.array(shown)).float() / 255, ours) > 22, moment
    assert browser.complaints == []
    assert browser.requests == [page.as_uri() + "?noui"]


def test_the_viewer_keeps_the_camera_where_the_scene_holds(tmp_path: Path, browser) -> None:
    """A camera inside is left alone; one that is put or turned outside comes to the limit. Limits can be left out."""
    try:
        find_splat_transform()
    except UserError as error:
        pytest.skip(str(error))
    gaussians, camera = room()
    ways = ("right", "left", "up", "down", "forward", "backward")
    limits = ViewerLimits(dict.fromkeys(ways, 0.4) | {"right": 0.2}, dict.fromkeys(ways, 10.0), 4.0)
    page = tmp_path / "viewer.html"
    assert write_viewer(gaussians, page, flight_settings([camera], 4.0), limits)
    right_30_deg = [0, -210, 0]  # the viewer's x is left, its y up; a yaw of -180 looks ahead
    cases = [([0.1, 0.1, 0.1], [0, -180, 0], [0.1, 0.1, 0.1], -180), ([-1, 0, 0], [0, -180, 0], [-0.2, 0, 0], -180)]
    for place, angles, expected, yaw in [*cases, ([0, 0, 0], right_30_deg, [0, 0, 0], -190)]:
        shown = moved(browser, page, place, angles)
        np.testing.assert_allclose(shown["position"], expected, atol=1e-6)
        assert (shown["angles"][1] - yaw + 180) % 360 == pytest.approx(180, abs=0.01)
    assert write_viewer(gaussians, page, flight_settings([camera], 4.0))
    assert moved(browser, page, [-1, 0, 0], right_30_deg)["position"] == [-1, 0, 0]


def moved(browser, page: Path, position: list[float], angles: list[float]) -> dict:
    """Where the viewer's camera is soon after it was put somewhere."""
    browser.open(page, 64, 48, query="?noui&debug")
    browser.wait_for("typeof scrubTo === 'function' && typeof setCameraState === 'function'")
    asked = {"position": position, "angles": angles, "mode": "orbit"}
    browser.ask(f"setCameraState({{...getCameraState(), ...{json.dumps(asked)}}})")
    browser.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => 1)")
    return json.loads(browser.ask("JSON.stringify(getCameraState())"))


def test_a_viewer_that_starts_in_another_way_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "viewer.html"
    page.write_text("<script>start()</script>")
    assert not limit_viewer(page, ViewerLimits({}, {}, 1.0))
    assert page.read_text() == "<script>start()</script>"
