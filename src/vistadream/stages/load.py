"""The first stage: the views of a source."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core import Observer, Scene, Source
from vistadream.core.names import PHOTO


@dataclass(frozen=True)
class Load:
    """Begins a scene with the views of its source."""

    source: Source

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        views = self.source(observe)
        place = f"load/{PHOTO}" if len(views) > 1 else "load"
        for view in views:
            observe(f"{place}/{view.name}", view)
        return scene.with_views(*views)
