"""Views and scenes refuse what does not fit together; a scene keeps the order of its views."""

from dataclasses import replace

import jaxtyping
import pytest
import torch

from vistadream.core import Camera, DepthPrediction, Scene, View


def view(name: str, width: int = 8, height: int = 6) -> View:
    mask = torch.ones(height, width, dtype=torch.bool)
    return View(name, Camera.from_fov(60, width, height), torch.rand(height, width, 3), None, mask, mask, ~mask)


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
