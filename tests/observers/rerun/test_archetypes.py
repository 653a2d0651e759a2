"""What core types become, read back from a recording."""

import io
import logging
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.config import compose
from vistadream.core import (
    Camera,
    Chart,
    DepthPrediction,
    DepthSource,
    Gaussians,
    Message,
    Rendering,
    Scene,
    SparsePoints,
    View,
)
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.archetypes import marks
from vistadream.observers.rerun.observer import RerunObserver

SETTINGS = compose(["rerun.mode=save"]).make("rerun", RerunSettings)


@pytest.fixture
def log(tmp_path, read):
    """Logs events to a file and reads it back."""

    def write(*events, settings=SETTINGS):
        file = tmp_path / "run.rrd"
        with RerunObserver(settings, file, name="test", stages=("stage",)) as observe:
            for event in events:
                observe(*event)
        return read(file)

    return write


def test_gaussians_arrive_as_splats(log, gaussians):
    entity = log(("stage/gaussians", gaussians))["/stage/gaussians"]
    assert np.allclose(entity["GaussianSplats3D:centers"], [gaussians.means])
    xyzw = torch.nn.functional.normalize(gaussians.quats_wxyz, dim=1).roll(-1, 1)
    assert np.allclose(entity["GaussianSplats3D:quaternions"][0], xyzw, atol=1e-6)
    assert np.allclose(entity["GaussianSplats3D:scales"][0], gaussians.scales)
    packed = np.array(entity["GaussianSplats3D:colors"][0], dtype=">u4")
    rgba = packed.view(np.uint8).reshape(-1, 4) / 255
    assert np.allclose(rgba, torch.cat([gaussians.colors, gaussians.opacities[:, None]], dim=1), atol=0.5 / 255 + 1e-6)


def test_points_arrive_with_their_colors(log):
    none = torch.zeros(0, dtype=torch.int64)
    points = SparsePoints(torch.rand(5, 3), torch.rand(5, 3), torch.zeros(5), (), none, none, torch.zeros(0, 2))
    entity = log(("register/points", points))["/register/points"]
    assert np.allclose(entity["Points3D:positions"], [points.xyz])
    packed = np.array(entity["Points3D:colors"][0], dtype=">u4").view(np.uint8).reshape(-1, 4) / 255
    assert np.allclose(packed[:, :3], points.rgb, atol=0.5 / 255 + 1e-6)


def test_spherical_harmonics_show_their_constant_part(gaussians):
    constant = (gaussians.colors - 0.5) * math.sqrt(4 * math.pi)
    harmonics = torch.cat([constant[:, None], torch.randn(len(gaussians), 3, 3)], dim=1)
    fields = dict(gaussians.tensors()) | {"colors": harmonics}
    plain, rich = (next(marks(g, SETTINGS)).archetypes[0].colors for g in (gaussians, Gaussians(**fields)))
    assert np.abs(plain.as_arrow_array().to_numpy() - rich.as_arrow_array().to_numpy()).max() == 0


def test_too_many_splats_are_thinned_the_same_way_each_time_and_it_is_said_once(log, gaussians, caplog):
    caplog.set_level(logging.INFO, "vistadream")
    thin = replace(SETTINGS, max_splats=20)
    first, second = log(("g", gaussians), ("g", gaussians), settings=thin).values("/g", "GaussianSplats3D:centers")
    assert caplog.text.count("the viewer shows 20 of 50 Gaussians") == 1
    assert first.shape == (20, 3)
    assert np.array_equal(first, second)
    assert all((np.abs(gaussians.means.numpy() - point).max(axis=1) < 1e-6).any() for point in first)


def test_camera_projects_as_ours(log, view):
    entity = log(("stage/view", view))["/stage/view"]
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = np.reshape(entity["Transform3D:mat3x3"][0], (3, 3)).T  # column-major
    world_from_cam[:3, 3] = entity["Transform3D:translation"][0][0]
    K = np.reshape(entity["Pinhole:image_from_camera"][0], (3, 3)).T
    points = torch.randn(10, 3) + torch.tensor([0.0, 0.0, 8.0])
    cam = (np.linalg.inv(world_from_cam) @ np.c_[points.numpy(), np.ones(10)].T)[:3]
    pixels = (K @ cam)[:2] / cam[2]
    assert np.allclose(pixels.T, view.camera.project(points)[0], atol=1e-3)
    assert entity["Pinhole:resolution"][0] == [[view.camera.width, view.camera.height]]


def test_depth_keeps_metres_and_drops_what_is_not_finite(log):
    z = torch.full((4, 6), 2.5)
    z[0, 0], z[0, 1], z[0, 2] = math.nan, math.inf, -1.0
    entity = log(("stage/z", z))["/stage/z"]
    shown = np.array(entity["DepthImage:buffer"][0], dtype=np.uint8).view(np.float16).reshape(4, 6)
    assert np.array_equal(shown == 0, ~(torch.isfinite(z) & (z > 0)).numpy())
    assert (shown[shown > 0] == 2.5).all()


def test_each_source_of_a_depth_is_logged_below_it(log, view):
    sources = (DepthSource("network", view.z, 0.8), DepthSource("layout", 3 * view.z, 0.2))
    prediction = DepthPrediction(view.z, view.z > 0, view.camera, False, sources=sources)
    found = log(("stage/depth", prediction))
    for path, z in (("z", view.z), ("network/z", view.z), ("layout/z", 3 * view.z)):
        shown = np.array(found[f"/stage/depth/{path}"]["DepthImage:buffer"][0], dtype=np.uint8).view(np.float16)
        assert np.array_equal(shown.reshape(z.shape), z.half().numpy())


def test_mask_is_white_on_black(log):
    mask = torch.eye(5, dtype=torch.bool)
    buffer = log(("stage/hole", mask)).values("/stage/hole", "Image:buffer")[0]
    assert np.array_equal(buffer.reshape(5, 5), mask.numpy() * 255)


def test_large_pictures_are_shrunk_together_with_their_camera(log):
    h, w = 48, 101
    camera = Camera.from_focal(80.0, w, h)
    view = View("v", camera, torch.rand(h, w, 3), torch.ones(h, w), *[torch.ones(h, w, dtype=torch.bool)] * 3)
    found = log(("a/v", view), ("a/hole", view.lift), settings=replace(SETTINGS, max_image_px=32))
    assert found["/a/v"]["Pinhole:resolution"][0] == [[26, 12]]
    K = np.reshape(found["/a/v"]["Pinhole:image_from_camera"][0], (3, 3)).T
    assert np.allclose(K[0], camera.K[0] * 26 / w)
    blob = np.asarray(found["/a/v/rgb"]["EncodedImage:blob"][0][0], dtype=np.uint8)
    assert Image.open(io.BytesIO(blob.tobytes())).size == (26, 12)
    for entity, kind in (("/a/v/z", "DepthImage"), ("/a/hole", "Image")):
        shape = found[entity][f"{kind}:format"][0][0]
        assert (shape["width"], shape["height"]) == (26, 12)


def test_every_bar_of_a_chart_is_drawn_once(log):
    chart = Chart("hole ratio", (0.0, 1.0, 2.0, 3.0), (0.01, 0.1, 0.2, 0.6), band=(0.05, 0.4), chosen=2)
    found = log(("stage/selection", chart))
    bars = {
        part: np.array(found[f"/stage/selection/{part}"]["BarChart:values"][0][0]["buffer"]).tolist()
        for part in ("in_band", "outside", "chosen")
    }
    assert bars == {"in_band": [0.1], "outside": [0.01, 0.6], "chosen": [0.2]}


@pytest.mark.parametrize(
    ("kinds", "make"),
    [
        (["image", "depth", "mask"], lambda v, g: Rendering(rgb=v.rgb, z=v.z, alpha=torch.rand(v.z.shape))),
        (["depth", "image", "mask"], lambda v, g: DepthPrediction(v.z, v.z > 1.5, v.camera, True, v.rgb, v.z > 1.9)),
        (["splats", "image", "camera", "plane", "depth"], lambda v, g: Scene((v,), g)),
        (["image", "camera", "plane", "depth", "mask"], lambda v, g: replace(v, confidence=torch.rand(v.z.shape))),
        (["camera"], lambda v, g: v.camera),
        (["curve"], lambda v, g: torch.tensor(0.5)),
    ],
)
def test_kinds_of_compound_values(kinds, make, view, gaussians):
    assert [mark.kind for mark in marks(make(view, gaussians), SETTINGS)] == kinds


@pytest.mark.parametrize("message", Message.__subclasses__())
def test_every_kind_of_message_can_be_shown(message):
    assert marks.dispatch(message) is not marks.dispatch(object)


@pytest.mark.parametrize("value", ["text", torch.zeros(2, 3, 4), object()])
def test_what_cannot_be_drawn_is_named(value):
    with pytest.raises(TypeError, match="cannot show"):
        list(marks(value, SETTINGS))
