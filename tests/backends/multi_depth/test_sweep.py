"""Sweep of a scene: what is trusted is right, what sensors measured is kept, and what does not overlap is told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vistadream.backends.multi_depth.sweep import SweepDepth
from vistadream.config.files import conf_folder
from vistadream.core import DepthPrediction, Note, Progress, Scene, use_observer

KNOBS = {
    "resolution_px": 400,
    "planes": 64,
    "windows_px": [3, 5],
    "neighbors": 4,
    "tolerance": 0.02,
    "agreeing": 1,
    "smallest": 0.005,
    "fill": False,
    "max_misfit": 0.08,
}


def flat(views):
    """A depth model that takes every photo for a wall at a distance of 1."""
    return [
        DepthPrediction(torch.ones_like(v.rgb[..., 0]), torch.ones_like(v.lift), v.camera, is_metric=True)
        for v in views
    ]


def sweep(scene: Scene, **knobs) -> list[DepthPrediction]:
    return SweepDepth(flat, **KNOBS | knobs)(scene)


def test_most_of_a_plane_is_trusted_and_right(textured_plane):
    plane = textured_plane((0.4, -0.2))
    scene = plane.scene()
    for view, prediction, z in zip(scene.photos, sweep(scene), plane.depths, strict=True):
        error = ((prediction.z - z).abs() / z)[prediction.valid]
        assert prediction.valid.float().mean() > 0.7
        assert torch.quantile(error, 0.98) < 0.02
        assert prediction.camera is view.camera


def test_what_only_one_photo_shows_is_not_trusted(textured_plane):
    scene = textured_plane((0.2, 0.1)).scene()
    scene.views[0].rgb[20:50, 30:70] = torch.rand(30, 40, 1).repeat(1, 1, 3)
    valid = sweep(scene)[0].valid
    assert valid[24:46, 34:66].float().mean() < 0.5 < 0.8 < valid[5:15, 20:80].float().mean()


def test_photos_are_matched_small_and_the_depth_has_their_size(textured_plane):
    plane = textured_plane((0.4, -0.2))
    prediction = sweep(plane.scene(), resolution_px=64)[0]
    assert prediction.z.shape == (72, 96)
    error = ((prediction.z - plane.depths[0]).abs() / plane.depths[0])[prediction.valid]
    assert prediction.valid.float().mean() > 0.6
    assert torch.quantile(error, 0.95) < 0.03


def test_measured_depth_is_kept_and_surest(textured_plane):
    scene = textured_plane().scene()
    sensor = torch.zeros(72, 96)
    sensor[10:20, 10:20] = 7.0
    prediction = sweep(scene.with_views(replace(scene.anchor, z=sensor)))[0]
    assert (prediction.z[10:20, 10:20] == 7).all()
    assert (prediction.confidence[10:20, 10:20] == 1).all()
    assert prediction.valid[30:60, 30:60].float().mean() > 0.9
    assert (prediction.z[30:60, 30:60] < 3).all()


def test_masked_pixels_are_never_valid(textured_plane):
    scene = textured_plane().scene()
    scene.views[1].lift[:30] = False
    assert not sweep(scene)[1].valid[:30].any()


def test_confidence_is_higher_where_more_photos_agree(textured_plane):
    prediction = sweep(textured_plane((0.3, 0.0)).scene())[0]
    assert prediction.confidence[30:40, 40:55].mean() > prediction.confidence[:, :4][prediction.valid[:, :4]].mean()


def test_what_is_not_trusted_can_be_filled(textured_plane):
    plane = textured_plane((0.2, 0.1))
    measured, complete = sweep(plane.scene()), sweep(plane.scene(), fill=True)
    for before, after, z in zip(measured, complete, plane.depths, strict=True):
        assert torch.equal(after.z[before.valid], before.z[before.valid])
        new = after.valid & ~before.valid
        assert after.valid.float().mean() > 0.9
        assert ((after.z - z).abs() / z)[new].mean() < 0.1


def test_each_photo_reports_progress_and_the_share_is_told(textured_plane):
    heard = []
    with use_observer(lambda name, value, step=None: heard.append((name, value))):
        sweep(textured_plane(count=3).scene())
    assert [v for n, v in heard if n == "multi_depth/progress"] == [Progress(i, 3) for i in (1, 2, 3)]
    assert [n for n, v in heard if isinstance(v, Note)] == ["multi_depth/trusted"]


@pytest.mark.parametrize("points", ["none", "far"])
def test_photos_without_parallax_are_estimated_one_by_one(textured_plane, points):
    plane = textured_plane(distance=2.0 if points == "none" else 60.0)
    scene = plane.scene()
    scene = replace(scene, points=None) if points == "none" else scene
    heard = []
    with use_observer(lambda name, value, step=None: heard.append(value)):
        predictions = sweep(scene)
    assert any(isinstance(v, Note) and "estimated on its own" in v.text for v in heard)
    expected = 1.0 if points == "none" else 60.0
    assert all(abs(float(p.z.median()) / expected - 1) < 0.02 for p in predictions)


@pytest.mark.parametrize(
    "knob", [{"windows_px": [4]}, {"windows_px": []}, {"planes": 2}, {"tolerance": 2.0}, {"agreeing": 0}]
)
def test_knobs_out_of_range_are_refused(knob):
    with pytest.raises(ValueError, match=next(iter(knob))):
        SweepDepth(flat, **KNOBS | knob)


def test_the_configured_knobs_build_it():
    from omegaconf import OmegaConf

    knobs = OmegaConf.to_container(OmegaConf.load(conf_folder() / "backends" / "multi_depth" / "sweep.yaml"))
    assert knobs.pop("_target_") == f"{SweepDepth.__module__}.{SweepDepth.__name__}"
    SweepDepth(**knobs | {"depth": flat})


def test_the_same_photos_give_the_same_bits_on_more_threads(textured_plane):
    scene, threads = textured_plane((0.3, 0.2)).scene(), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = sweep(scene)[0]
        torch.set_num_threads(3)
        three = sweep(scene)[0]
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one.z, three.z)
    assert np.array_equal(one.confidence.numpy(), three.confidence.numpy())
