"""Constructors refuse what does not fit together; composition keeps order."""

from collections.abc import Iterator
from dataclasses import replace

import jaxtyping
import pytest
import torch

from vistadream.core import Camera, DepthPrediction, Gaussians, Scene, View


def random_gaussians(n: int, seed: int = 0) -> Gaussians:
    g = torch.Generator().manual_seed(seed)
    return Gaussians(
        torch.randn(n, 3, generator=g),
        torch.randn(n, 4, generator=g),
        torch.rand(n, 3, generator=g) + 0.01,
        torch.rand(n, generator=g),
        torch.rand(n, 3, generator=g),
    )


def view(name: str, width: int = 8, height: int = 6) -> View:
    mask = torch.ones(height, width, dtype=torch.bool)
    return View(name, Camera.from_fov(60, width, height), torch.rand(height, width, 3), None, mask, mask, ~mask)


def test_concat_then_subset_returns_the_parts() -> None:
    a, b = random_gaussians(5), random_gaussians(3, seed=1)
    both = Gaussians.concat(a, Gaussians.empty(), b)
    assert len(both) == 8
    for part, index in ((a, torch.arange(5)), (b, torch.arange(5, 8))):
        for (_, got), (_, want) in zip(both.subset(index).tensors(), part.tensors(), strict=True):
            assert torch.equal(got, want)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the tests' own shape checks, so that what a user's run would say is seen."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("field", ["means", "quats_wxyz", "scales", "opacities", "colors"])
def test_gaussians_of_unequal_length_are_refused_by_name(field: str) -> None:
    parts = dict(random_gaussians(5).tensors())
    parts[field] = parts[field][:4]
    with pytest.raises(ValueError, match="Gaussians"):
        Gaussians(**parts)


@pytest.mark.usefixtures("unchecked")
def test_a_map_that_does_not_fit_its_camera_is_refused_by_name() -> None:
    good = view("a")
    with pytest.raises(ValueError, match="supervise"):
        View("a", good.camera, good.rgb, None, good.supervise[:3], good.lift, good.generated)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_confidence_that_is_no_share_is_refused_by_name(wrong: float) -> None:
    good = view("a")
    with pytest.raises(ValueError, match=r"View\(a\)\.confidence"):
        replace(good, confidence=torch.full((6, 8), wrong))
    with pytest.raises(ValueError, match=r"DepthPrediction\.confidence"):
        DepthPrediction(torch.ones(6, 8), good.lift, good.camera, False, confidence=torch.full((6, 8), wrong))


def test_a_scene_replaces_views_by_name_and_keeps_their_order() -> None:
    scene = Scene((view("a"), view("b")))
    new_a, c = view("a"), view("c")
    changed = scene.with_views(c, new_a)
    assert [v.name for v in changed.views] == ["a", "b", "c"]
    assert changed.view("a") is new_a
    with pytest.raises(KeyError, match="nowhere"):
        scene.view("nowhere")
    with pytest.raises(ValueError, match="only once"):
        Scene((view("a"), view("a")))


def test_a_scene_knows_its_photos_its_anchor_and_their_canvases() -> None:
    mask = torch.ones(4, 6, dtype=torch.bool)
    first = View("a", Camera.from_focal(5.0, 6, 4), torch.zeros(4, 6, 3), None, mask, mask, ~mask)
    second, novel = replace(first, name="b"), replace(first, name="n", origin="novel")
    canvas = replace(first, name="c", origin="canvas", extends="b")
    scene = Scene((novel, first, second, canvas))
    assert [photo.name for photo in scene.photos] == ["a", "b"]
    assert scene.anchor is first
    assert scene.canvas_of(first) is first
    assert scene.canvas_of(second) is canvas
    with pytest.raises(ValueError, match="no view is a photo"):
        _ = Scene((novel,)).anchor
    with pytest.raises(ValueError, match="wanted the name of a photo"):
        replace(first, origin="canvas")
    with pytest.raises((ValueError, jaxtyping.TypeCheckError), match="drawing"):
        replace(first, origin="drawing")
