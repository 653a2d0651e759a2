"""The rendered views are a data set whose poses and depth maps agree. All runs interpreted, like the sample."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
import torch

from vistadream.formats.depth_map import read_depth_map
from vistadream.sources.posed.nerfstudio import read
from vistadream.sources.shot import Shot

RESEARCH = Path(__file__).parents[2] / "research"


@pytest.fixture(autouse=True, scope="module")
def interpreted_research_on_the_path() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RESEARCH))
        patch.setattr(numba.config, "DISABLE_JIT", True)
        for name in [name for name in sys.modules if name.partition(".")[0] == "sample_room"]:
            patch.delitem(sys.modules, name)  # another test may have imported it to be compiled
        yield


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory):
    """Of two small views, which are rendered."""
    from render_views import Options, main

    options = Options(tmp_path_factory.mktemp("room") / "room", count=2, arc_m=0.8, width=24, height=18, samples=2)
    main(options)
    return options


@pytest.fixture(scope="module")
def shots(options) -> tuple[Shot, ...]:
    reading = read(options.out)
    assert reading.remarks == ()
    assert {file for file in options.out.rglob("*") if file.is_file()} == set(reading.files)
    return reading.shots


def points_of(shot: Shot) -> tuple[torch.Tensor, torch.Tensor]:
    """The depth "h w" of a shot, and the world points "h w 3" of its pixels."""
    z = read_depth_map(shot.depth.path) * shot.depth.unit
    return z, shot.camera.unproject(z)


def test_a_point_that_two_views_see_has_one_place(options, shots: tuple[Shot, ...]) -> None:
    """The points of each view are projected into the other, and a ray through that pixel meets the room there."""
    from render_views import arc
    from sample_room.room import room
    from sample_room.shapes import nearest
    from sample_room.tracer import ray

    solids, _, _ = room()
    for (shot, other), eye in zip((shots, shots[::-1]), reversed(arc(options)), strict=True):
        pixels, z = other.camera.project(points_of(shot)[1].reshape(-1, 3))
        inside = ((pixels > 0) & (pixels < torch.tensor([24, 18]))).all(-1)
        found = []
        for (x, y), depth in zip(pixels[inside].tolist(), z[inside].tolist(), strict=True):
            direction, length = ray(eye, x, y)
            t, _, _ = nearest(solids, tuple(eye.frame[3]), direction, 1e9, -1, False)
            found.append(t / length - depth)
        assert len(found) > 200
        farther = np.array(found)
        assert (farther < -0.002).mean() < 0.15, "hidden by something nearer to the other camera"
        assert (farther > 0.002).mean() < 0.02, "a ray that just misses an edge, as depth is in whole millimeters"


def test_the_depth_maps_are_those_of_the_pictures(shots: tuple[Shot, ...]) -> None:
    """Stored maps agree too, at the nearest pixel, where the surface is not steep."""
    first, second = shots
    pixels, z = second.camera.project(points_of(first)[1].reshape(-1, 3))
    columns, rows = pixels.floor().long().unbind(-1)
    inside = (columns >= 0) & (columns < 24) & (rows >= 0) & (rows < 18)
    stored = points_of(second)[0][rows[inside], columns[inside]]
    assert float((stored / z[inside] - 1).abs().median()) < 0.02


def test_pictures_have_the_size_and_the_light_of_the_room(shots: tuple[Shot, ...]) -> None:
    for shot in shots:
        picture = np.asarray(shot.read()[0])
        assert picture.shape == (18, 24, 3)
        assert picture.std() > 20
    first, second = (np.asarray(shot.read()[0].convert("L"), float) for shot in shots)
    assert 0.2 < np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.999


def test_the_same_seed_gives_the_same_bytes(options, tmp_path: Path) -> None:
    from render_views import main

    for name in ("first", "second"):
        main(replace(options, out=tmp_path / name, count=1, width=12, height=8))
    files = [file.relative_to(tmp_path / "first") for file in (tmp_path / "first").rglob("*.*")]
    assert len(files) == 3
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file
