"""The first stage: the views of a source."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core import Observer, Scene, Source


@dataclass(frozen=True)
class Load:
    """Begins a scene with the views of its source."""

    source: Source

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        views = self.source(observe)
        for view in views:
            observe(f"load/{view.name}", view)
        return scene.with_views(*views)
