"""What the report is made from."""

import numpy as np
import pytest
import torch

from vistadream.core import (
    Chart,
    DepthPrediction,
    DepthSource,
    Gaussians,
    Note,
    Rendering,
    Scene,
    StageFinished,
    Summary,
)
from vistadream.observers.record import LONG_SIDE_PX, Record


@pytest.fixture
def record(view):
    seen = Record()
    seen("load/input", view)
    seen("coarse/00/hole", view.generated)
    seen("coarse/00/selection", Chart("hole ratio", (0.0, 1.0), (0.1, 0.2), (0.05, 0.4), 1))
    seen("coarse/01/selection", Chart("hole ratio", (0.0,), (0.1,)))
    seen("coarse/frame", Note("pose 7", "warning"))
    seen("coarse/summary", Summary("one", {"rows": [{"pose": 7}]}))
    for step in range(3):
        seen("coarse/00/loss", 1 / (1 + step), step=step)
    seen("coarse/render", lambda: view.rgb)
    seen("coarse/finished", StageFinished("coarse", 3.5))
    return seen


def test_collects_by_name(record, view):
    assert set(record.images) == {"load/input/rgb", "load/input/z", "coarse/00/hole", "coarse/render"}
    assert np.abs(record.images["load/input/rgb"] / 255.0 - view.rgb.numpy()).max() <= 0.5 / 255 + 1e-6
    assert record.curves == {"coarse/00/loss": [(0, 1.0), (1, 0.5), (2, 1 / 3)]}
    assert record.seconds == {"coarse": 3.5}


def test_the_newest_picture_of_a_name_stays(record):
    record("coarse/render", torch.ones(4, 4, 3))
    assert (record.images["coarse/render"] == 255).all()


def test_films_are_left_to_live_eyes(record):
    record("coarse/film", torch.ones(4, 4, 3), step=3)
    assert "coarse/film" not in record.images


def test_mask_is_white_on_black(record, view):
    assert np.array_equal(record.images["coarse/00/hole"], np.repeat(view.generated.numpy()[..., None] * 255, 3, 2))


def test_near_and_far_differ_and_unknown_depth_is_grey():
    z = torch.cat([torch.full((4, 8), 1.0), torch.full((4, 8), 5.0)])
    z[0, 0], z[0, 1] = torch.nan, 0.0
    seen = Record()
    seen("z", z)
    near, far, unknown = seen.images["z"][2, 2], seen.images["z"][6, 2], seen.images["z"][0, :2]
    assert near[0] > near[2]  # red
    assert far[2] > far[0]  # blue
    assert (unknown == unknown[0, 0]).all()


@pytest.mark.parametrize("shape", [(900, 1800), (1800, 900), (3000, 3)])
def test_large_pictures_are_shrunk_with_their_aspect(shape):
    seen = Record()
    seen("a", torch.zeros(*shape, 3))
    h, w = seen.images["a"].shape[:2]
    assert max(h, w) == LONG_SIDE_PX
    assert abs(h / w - shape[0] / shape[1]) * min(h, w) / max(shape[0] / shape[1], 1) <= 1.01


def test_what_compound_values_show(view):
    seen = Record()
    seen("rendering", Rendering(view.rgb, view.z, torch.ones_like(view.z)))
    seen("prediction", DepthPrediction(view.z, view.z > 1.5, view.camera, True))
    seen("scene", Scene((view,), Gaussians.empty()))
    seen("gaussians", Gaussians.empty())
    assert set(seen.images) == {"rendering/rgb", "rendering/z", "prediction/z", "scene/input/rgb", "scene/input/z"}


def test_the_sources_of_a_depth_are_shown_with_their_weights(view):
    sources = (DepthSource("network", view.z, 0.75), DepthSource("layout", 3 - view.z, 0.25))
    seen = Record()
    seen("prediction", DepthPrediction(view.z, view.z > 0, view.camera, False, sources=sources))
    network, layout = (
        seen.images[f"prediction/{name}"] for name in ("network with weight 0.75", "layout with weight 0.25")
    )
    assert np.array_equal(network, seen.images["prediction/z"])
    assert layout.shape == network.shape
    assert not np.array_equal(layout, network)
    assert len(seen.images) == 3


def test_a_stage_comes_back_from_disk_as_it_was(record, tmp_path):
    record.save("coarse", tmp_path / "seen")
    back = Record()
    back.load("coarse", tmp_path / "seen")
    mine = {name: picture for name, picture in record.images.items() if name.startswith("coarse/")}
    assert back.images.keys() == mine.keys()
    assert all(np.array_equal(back.images[name], picture) for name, picture in mine.items())
    for field in ("curves", "charts", "notes", "summaries"):
        assert getattr(back, field) == getattr(record, field)


def test_saving_twice_writes_the_same_bytes(record, tmp_path):
    for folder in ("a", "b"):
        record.save("coarse", tmp_path / folder)
    a, b = ({f.name: f.read_bytes() for f in (tmp_path / folder).iterdir()} for folder in ("a", "b"))
    assert a == b


def test_a_stage_of_which_nothing_was_kept_is_no_error(tmp_path):
    seen = Record()
    seen.load("coarse", tmp_path / "missing")
    assert not seen.images
