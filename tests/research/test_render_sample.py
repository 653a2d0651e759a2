"""The committed sample comes from the committed script. All runs interpreted here: compiling takes half a minute."""

import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from PIL import Image

from vistadream.assets import sample_camera, sample_depth, sample_image

RESEARCH = Path(__file__).parents[2] / "research"


@pytest.fixture(autouse=True)
def interpreted_research_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(RESEARCH))
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sample_room"]:
        monkeypatch.delitem(sys.modules, name)  # another test may have imported it to be compiled


def test_the_committed_depth_is_what_the_room_gives() -> None:
    from sample_room.room import eye, room
    from sample_room.shapes import nearest
    from sample_room.tracer import ray

    camera = sample_camera()
    solids, _, _ = room()
    view = eye(camera.width, camera.height)
    committed = np.asarray(Image.open(sample_depth()))
    rng = np.random.default_rng(0)
    for x, y in zip(rng.integers(camera.width, size=400), rng.integers(camera.height, size=400), strict=True):
        direction, length = ray(view, x + 0.5, y + 0.5)
        t, _, _ = nearest(solids, tuple(view.frame[3]), direction, 1e9, -1, False)
        assert t / length * 1000 == pytest.approx(committed[y, x], abs=0.51)


def test_the_script_renders_the_committed_picture_in_small(tmp_path: Path) -> None:
    import render_sample

    for name in ("first", "second"):
        render_sample.main(render_sample.Options(tmp_path / name, width=16, height=12, samples=2))
    first, second = ((tmp_path / name / "sample.png").read_bytes() for name in ("first", "second"))
    assert first == second
    small = Image.open(sample_image()).resize((16, 12), Image.Resampling.BOX)
    rendered, committed = (
        np.asarray(image).astype(float) for image in (Image.open(tmp_path / "first/sample.png"), small)
    )
    assert np.corrcoef(rendered.ravel(), committed.ravel())[0, 1] > 0.6


def test_rays_find_the_same_surfaces_with_and_without_the_hierarchy() -> None:
    from sample_room.build import Builder, Material, rotation
    from sample_room.shapes import nearest

    rng = np.random.default_rng(0)
    b = Builder()
    spots = rng.uniform(-3, 3, (24, 3))
    for i, spot in enumerate(spots):
        turn = rotation(*rng.uniform(0, 360, 3))
        if i % 3 == 0:
            b.box(spot, (0.3, 0.2, 0.4), Material((1, 1, 1)), turn)
        elif i % 3 == 1:
            b.cushion(spot, (0.3, 0.2, 0.4), 0.1, Material((1, 1, 1)), turn)
        else:
            b.frustum(spot, spot + turn[0] * 0.6, 0.2, Material((1, 1, 1)), taper=0.5)
    solids = b.solids()
    one_leaf = solids._replace(
        node_low=solids.node_low[:1],
        node_high=solids.node_high[:1],
        node_skip=np.array([1]),
        node_first=np.array([0]),
        node_count=np.array([len(spots)]),
    )
    hits = 0
    for direction in rng.normal(size=(300, 3)):
        ray = tuple(-5 * direction / np.linalg.norm(direction)), tuple(direction / np.linalg.norm(direction))
        quick, slow = (nearest(s, *ray, 1e9, -1, False) for s in (solids, one_leaf))
        assert quick == slow
        hits += quick[1] >= 0
    assert hits > 30
