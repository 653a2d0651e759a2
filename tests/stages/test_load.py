"""The first stage begins a scene with the views of whatever source it is given."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vistadream.core import Camera, Scene, Source, Stage, View
from vistadream.sources.photo_view import photo_view
from vistadream.stages.load import Load


@dataclass(frozen=True)
class TwoPhotos:
    name: str = "two"

    def inputs(self) -> list[Path]:
        return []

    def __call__(self, observe) -> list[View]:
        first = photo_view(Camera.from_fov(60, 8, 6), torch.rand(6, 8, 3), focal_known=True)
        return [first, replace(first, name="second")]


def test_each_view_of_the_source_is_observed_and_becomes_one_of_the_scene() -> None:
    seen = {}
    stage = Load(TwoPhotos())
    scene = stage(Scene(), lambda name, value, step=None: seen.update({name: value}))
    assert isinstance(stage, Stage)
    assert isinstance(stage.source, Source)
    assert scene.photos == scene.views
    assert scene.anchor.name == "input"
    assert seen == {f"load/photo/{view.name}": view for view in scene.views}
