"""The embedded depth on rooms whose depth is known by ray casting, and its contract on sources made by hand."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vistadream.backends.depth import embedded
from vistadream.backends.depth.blend import POSITION
from vistadream.backends.depth.embedded import DOUBTFUL, _compressed
from vistadream.backends.depth.sources import Sources, position_prior
from vistadream.backends.weights.table import MODELS, PROFILES
from vistadream.config import compose, configured
from vistadream.core import Camera, View, use_observer
from vistadream.ops.depth.align import align_scale_shift
from vistadream.ops.evaluation.metrics import abs_rel

DEPTH = configured("backends/depth=embedded")

W, H = 320, 240


def view_of(rgb: torch.Tensor, camera: Camera, focal_known: bool = True) -> View:
    none = torch.zeros(rgb.shape[:2], dtype=torch.bool)
    return View("input", camera, rgb, None, ~none, ~none, none, focal_known)


@pytest.mark.parametrize(("pitch", "yaw"), [(12, 10), (20, 40), (5, -30)])
def test_a_tiled_room_is_read_right(render_room, pitch, yaw):
    camera = Camera.from_fov(65, W, H)
    rgb, z = render_room(camera, pitch, yaw)
    (found,) = DEPTH([view_of(rgb, camera)])
    assert found.valid.all()
    assert found.camera is camera
    aligned = align_scale_shift(found.z, z, found.valid.float()).apply(found.z)
    flat = abs_rel(z.median().expand(H, W), z, found.valid)
    assert abs_rel(aligned, z, found.valid) < 0.5 * flat


def test_a_canvas_with_an_off_centre_principal_point_is_read_as_well(render_room):
    camera = Camera.from_fov(55, W, H).pad(60, 10, 0, 40)
    rgb, z = render_room(camera, 15, 25)
    (found,) = DEPTH([view_of(rgb, camera)])
    aligned = align_scale_shift(found.z, z, found.valid.float()).apply(found.z)
    assert abs_rel(aligned, z, found.valid) < 0.06


@pytest.mark.parametrize(("width", "height"), [(W, H), (120, 300), (16, 12)])
def test_a_blank_picture_gets_a_plausible_room(width, height):
    camera = Camera.from_fov(60, width, height)
    (found,) = DEPTH([view_of(torch.full((height, width, 3), 0.5), camera, focal_known=False)])
    assert found.valid.all()
    assert found.camera.fx == pytest.approx(camera.fx)
    assert float(found.z.max() / found.z.min()) <= 8
    assert found.z[-1].mean() < 1.05 * found.z[height // 2].mean()
    assert found.z.isfinite().all()


def handmade(view: View, **fields) -> Sources:
    """A network and a position prior that agree, without a room."""
    ramp = position_prior(view.camera.height, view.camera.width)
    none = torch.zeros_like(ramp)
    usual = {"network": ramp, "network_error": none + 0.1, "position": ramp, "layout": none, "layout_trust": 0.0}
    return Sources(**({"camera": view.camera, "sky": none} | usual | fields))


@pytest.fixture
def given_sources(monkeypatch):
    """Lets the embedded depth blend these sources, whatever the picture shows."""

    def give(found: Sources) -> None:
        monkeypatch.setattr(embedded, "read_sources", lambda rgb, camera, focal_known: found)

    return give


SMALL = Camera.from_fov(60, 40, 30)


def test_depth_scales_with_the_height_of_the_camera_and_its_ratio_is_bounded(given_sources):
    view = view_of(torch.rand(30, 40, 3), SMALL)
    given_sources(handmade(view))
    (low,) = configured("backends/depth=embedded", camera_height_m=1.0, max_ratio=5.0)([view])
    (high,) = configured("backends/depth=embedded", camera_height_m=2.0, max_ratio=5.0)([view])
    assert torch.allclose(high.z, 2 * low.z)
    quantiles = torch.quantile(low.z, torch.tensor([0.005, 0.995]))
    assert float(quantiles[1] / quantiles[0]) == pytest.approx(5, rel=0.01)
    assert not high.is_metric


def test_the_prediction_keeps_its_contract(given_sources):
    view = view_of(torch.rand(30, 40, 3), SMALL)
    sky = torch.linspace(1, 0, 30)[:, None].expand(30, 40)
    given_sources(handmade(view, sky=sky))
    (found,) = DEPTH([view])
    assert torch.equal(found.sky, sky >= 0.5)
    assert torch.equal(found.valid, ~found.sky)
    assert found.z.isfinite().all()
    assert (found.z > 0).all()
    assert found.confidence.shape == found.z.shape
    assert found.normals is None, "those of the blended depth are better"


def test_the_sources_are_shown_with_their_weights(given_sources):
    view = view_of(torch.rand(30, 40, 3), SMALL)
    ramp = position_prior(30, 40)
    for trust in (0.0, 1.0):
        made = handmade(view, layout=2 * ramp, layout_trust=trust)
        given_sources(made)
        (found,) = DEPTH([view])
        shown = {source.name: source for source in found.sources}
        assert set(shown) == {"network", "position", "layout"}
        for name, source in shown.items():
            assert torch.allclose(source.z.log(), getattr(made, name), atol=1e-5)
        assert shown["network"].weight + shown["layout"].weight == pytest.approx(1)
        assert (shown["layout"].weight > 0) == (trust > 0)
        assert 0 < shown["position"].weight < shown["network"].weight


@given(st.integers(0, 1000), st.floats(0.1, 5), st.floats(1.01, 20))
def test_compression_keeps_the_order_and_bounds_the_range_of_what_is_not_sky(seed, spread, max_ratio):
    log_z = spread * torch.randn(20, 30, generator=torch.Generator().manual_seed(seed))
    land = torch.ones(20, 30, dtype=torch.bool)
    land[:5] = False
    found = _compressed(log_z, land, max_ratio)
    order = log_z.flatten().argsort()
    assert (found.flatten()[order].diff() >= 0).all()
    quantiles = torch.quantile(found[land], torch.tensor([0.005, 0.995]))
    assert float(quantiles.diff()) <= math.log(max_ratio) * (1 + 1e-4)
    assert found.abs().max() <= log_z.abs().max(), "nothing is stretched"


def test_what_is_within_the_ratio_is_not_compressed_and_sky_has_no_say():
    log_z = torch.linspace(0, math.log(4), 600).reshape(20, 30)
    land = torch.ones(20, 30, dtype=torch.bool)
    inner = (log_z > 0.01 * math.log(4)) & (log_z < 0.99 * math.log(4))
    assert torch.equal(_compressed(log_z, land, 4.1)[inner], log_z[inner])
    far = log_z.clone()
    far[-5:], land[-5:] = 50.0, False
    found = _compressed(far, land, 4.1)
    assert torch.equal(found[1:14], log_z[1:14])
    assert float(found.max()) < math.log(4), "limited to what is not sky"
    assert torch.isfinite(_compressed(far, torch.zeros_like(land), 4.1)).all(), "a picture of sky only"


def test_views_are_read_one_by_one(render_room):
    camera = Camera.from_fov(60, 80, 60)
    rgb, _ = render_room(camera, 10, 20)
    both = DEPTH([view_of(rgb, camera), view_of(rgb.flip(1), camera)])
    (alone,) = DEPTH([view_of(rgb.flip(1), camera)])
    assert torch.equal(both[1].z, alone.z)


@pytest.mark.parametrize("number", ["000150", "000185"])
def test_a_real_kitchen_is_read_better_than_a_ramp(test_data, number):
    def read(kind):
        return np.array(Image.open(test_data / "kitchen" / f"frame-{number}.{kind}.png"))

    truth = torch.from_numpy(read("depth").astype(np.float32)) / 1000
    rgb = torch.from_numpy(read("color")).float() / 255
    (found,) = DEPTH([view_of(rgb, Camera.from_focal(585.0, 640, 480))])
    ramp = (1 / torch.linspace(1, 2, 480))[:, None].expand(-1, 640)
    known = truth > 0
    errors = [abs_rel(align_scale_shift(z, truth, known.float()).apply(z), truth, known) for z in (found.z, ramp)]
    assert errors[0] < 0.75 * errors[1]


@pytest.mark.parametrize("fov", [50, 75])
def test_the_focal_length_of_a_cornered_room_is_found(render_room, fov):
    camera = Camera.from_fov(fov, W, H)
    rgb, _ = render_room(camera, 15, 35)
    guess = Camera.from_fov(60, W, H)
    (found,) = DEPTH([view_of(rgb, guess, focal_known=False)])
    assert found.camera.fx == pytest.approx(camera.fx, rel=0.08)
    (kept,) = DEPTH([view_of(rgb, guess)])
    assert kept.camera is guess


@pytest.mark.parametrize("field", ["camera_height_m", "fov_x_deg", "max_ratio"])
def test_bad_knobs_are_named(field):
    with pytest.raises(ValueError, match=field):
        configured("backends/depth=embedded", **{field: -1.0})


def notes_of_a_run(views: list[View]) -> list:
    """What the depth notes while a run asks for the views one by one."""
    heard = []

    def observe(name, value, step=None):
        heard.append(value)

    with use_observer(observe):
        for view in views:
            DEPTH([view])
    return heard


def test_a_run_notes_once_that_depth_is_approximate_and_which_command_gets_a_better_model(given_sources):
    view = view_of(torch.rand(30, 40, 3), SMALL)
    given_sources(handmade(view))
    for _ in range(2):
        model, weights = notes_of_a_run([view, view, view])
        assert "approximate depth (embedded)" in model.text
        (profile,) = re.findall(r"vistadream download ([^ ,]+)", model.text)
        assert {MODELS[name].role for name in PROFILES[profile]} == {"depth"}
        assert {model.level, weights.level} == {"info"}
        assert all(source in weights.text for source in ("network 1.00", "layout 0.00", f"nearer: {POSITION:.2f}"))


@pytest.mark.parametrize(("error", "doubtful"), [(0.9 * DOUBTFUL, False), (1.1 * DOUBTFUL, True)])
def test_a_doubtful_picture_gets_one_line_with_what_would_help(given_sources, error, doubtful):
    view = view_of(torch.rand(30, 40, 3), SMALL)
    given_sources(handmade(view, network_error=torch.full((30, 40), error)))
    warnings = [note.text for note in notes_of_a_run([view, view]) if note.level == "warning"]
    assert len(warnings) == doubtful
    for text in warnings:
        assert "\n" not in text
        (percent,) = re.findall(r"expected error (\d+)%", text)
        assert abs(int(percent) - 100 * error) < 1
        backends = re.findall(r"backends/depth=(\w+)", text)
        assert backends == ["moge", "given"]
        for backend in backends:
            compose([f"backends/depth={backend}", "backends.depth.path=somewhere"])
