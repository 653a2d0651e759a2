"""The figures of several photos are those of each photo alone, and a photo that does not fit is named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Gaussians, Note, Scene
from vistadream.exporters.metrics import Metrics, read_metrics
from vistadream.exporters.photo_metrics import PhotoFit, figures, misfit_note, misfits, photo_fits
from vistadream.ops.evaluation.metrics import psnr

RENDERER = configured("backends/render=cpu")


@pytest.fixture
def shown(scene: Scene) -> Scene:
    """Four photos of the two walls from nearby, each as the renderer shows it, with a little noise."""
    generator = torch.Generator().manual_seed(0)
    photos = []
    for i in range(4):
        pose = torch.eye(4)
        pose[0, 3] = 0.02 * i
        camera = scene.anchor.camera.at(pose)
        rgb = RENDERER(scene.gaussians, [camera])[0].rgb
        noise = 0.02 * torch.randn(rgb.shape, generator=generator)
        photos.append(replace(scene.anchor, name=f"p{i}", camera=camera, rgb=(rgb + noise).clamp(0, 1)))
    return replace(scene, views=tuple(photos))


def spoiled(scene: Scene, name: str, rows: int) -> Scene:
    """The scene with a photo in which something else stands in the upper rows."""
    photo = scene.view(name)
    rgb = photo.rgb.clone()
    rgb[:rows] = 0.5
    return scene.with_views(replace(photo, rgb=rgb))


def measured(scene: Scene, context, folder: Path) -> tuple[dict, list[str]]:
    texts = []

    def observe(name, value, step=None) -> None:
        texts.extend([value.text] if isinstance(value, Note) else [])

    Metrics()(scene, folder, context(scene, observe=observe))
    return read_metrics(folder), texts


def test_the_means_are_over_all_photos(shown: Scene, context, tmp_path: Path) -> None:
    metrics, texts = measured(shown, context, tmp_path)
    each = [psnr(RENDERER(shown.gaussians, [photo.camera])[0].rgb, photo.rgb) for photo in shown.photos]
    assert metrics["photos"] == 4
    assert metrics["photos_psnr_db"] == pytest.approx(sum(each) / 4, abs=1e-3)
    assert metrics["photos_worst"]["psnr_db"] == pytest.approx(min(each), abs=1e-3)
    assert metrics["photos_worst"]["name"] == f"p{each.index(min(each))}"
    assert metrics["photos_misfit"] == texts == []


def test_a_photo_in_which_something_moved_is_named(shown: Scene, context, tmp_path: Path) -> None:
    metrics, (text,) = measured(spoiled(shown, "p2", rows=8), context, tmp_path)
    assert metrics["photos_worst"]["name"] == "p2"
    assert metrics["photos_misfit"] == ["p2"]
    assert "differs from p2 more than twice" in text


def test_masked_pixels_do_not_count(shown: Scene) -> None:
    moved = spoiled(shown, "p2", rows=8)
    below = (torch.arange(32) >= 8)[:, None].expand(32, 48)
    masked = moved.with_views(replace(moved.view("p2"), supervise=below))
    assert misfits(photo_fits(masked, RENDERER)) == []
    nothing = moved.with_views(replace(moved.view("p2"), supervise=below & ~below))
    assert [fit.name for fit in photo_fits(nothing, RENDERER)] == ["p0", "p1", "p3"]


def test_the_figures_of_one_photo_stay_as_they_are(scene: Scene, context, tmp_path: Path) -> None:
    metrics, _ = measured(scene, context, tmp_path)
    assert not [key for key in metrics if key.startswith("photos")]


def test_a_scene_without_gaussians_has_no_fits(shown: Scene) -> None:
    assert figures(photo_fits(replace(shown, gaussians=Gaussians.empty()), RENDERER)) == {}


def test_twice_the_median_is_six_decibels_below_it() -> None:
    fits = [PhotoFit(name, psnr_db, 0.9) for name, psnr_db in (("a", 30), ("b", 30), ("c", 24.1), ("d", 23.9))]
    assert [fit.name for fit in misfits([*fits, PhotoFit("e", 31, 0.9)])] == ["d"]
    assert misfits([]) == []


def test_the_note_is_one_line_however_many_photos_it_is_about() -> None:
    assert misfit_note([]) is None
    text = misfit_note([f"p{i}" for i in range(30)]).text
    assert "p4 and 25 more" in text
    assert "p5" not in text
