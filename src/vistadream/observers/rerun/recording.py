"""A recording of a finished run, made of what its observers kept for the report and of its scene."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from vistadream.core import ExportContext, Scene, StageFinished, StageStarted
from vistadream.core.knobs import FROM_1, Range, check_ranges
from vistadream.core.protocols import Recorded
from vistadream.formats.files import new_file
from vistadream.observers.rerun.settings import RerunSettings

FILE = "scene.rrd"
Event = tuple[str, Any, int | None]
"""Name, value and step of an observation."""


@dataclass(frozen=True)
class Recording:
    """Pictures, curves, charts and notes of each stage, and the views and Gaussians of the last one, for Rerun.

    ValueError for a knob out of its range.
    """

    place: ClassVar[Literal["export"]] = "export"

    max_splats: int
    max_image_px: int
    jpeg_quality: int

    def __post_init__(self) -> None:
        check_ranges(self, max_splats=FROM_1, max_image_px=Range(16), jpeg_quality=(1, 100))

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the file."""
        from vistadream.observers.rerun.observer import RerunObserver  # imports Rerun, which takes time

        stages = {name: about for name, about in context.facts()["stages"].items() if about}
        with (
            new_file(target / FILE) as draft,
            RerunObserver(self._settings(), draft, name=context.title, stages=tuple(stages)) as observe,
        ):
            for stage, done in stages.items():
                observe(f"{stage}/started", StageStarted(stage))
                for name, value, step in seen(stage, context.record):
                    observe(name, value, step)
                observe(f"{stage}/finished", StageFinished(stage, done["seconds"]))
            for view in scene.views:
                observe(f"{context.stage}/{view.name}", view)
            observe(f"{context.stage}/gaussians", scene.gaussians)

    def _settings(self) -> RerunSettings:
        """Those of a file that nobody watches while it is written."""
        return RerunSettings(
            mode="save",
            port=9876,
            bind="127.0.0.1",
            connect=None,
            memory_limit="1GiB",
            wait=False,
            wait_seconds=0,
            layout="landscape",
            follow=True,
            max_splats=self.max_splats,
            image_every=1,
            jpeg_quality=self.jpeg_quality,
            max_image_px=self.max_image_px,
        )


def seen(stage: str, record: Recorded) -> Iterator[Event]:
    """What is known of a stage: its newest pictures, its curves by their steps, its charts and its texts."""
    for name, picture in _of(stage, record.images.items()):
        yield name.replace(" ", "_"), torch.from_numpy(picture.copy()) / 255, None  # it becomes a path
    curves: dict[str, list[tuple[int, str, float]]] = {}
    for name, curve in _of(stage, record.curves.items()):
        curves.setdefault(name.rpartition("/")[0], []).extend((step, name, value) for step, value in curve)
    for fit in curves.values():
        yield from ((name, value, step) for step, name, value in sorted(fit))
    for named in (record.charts.items(), record.notes, record.summaries.items()):
        yield from ((name, value, None) for name, value in _of(stage, named))


def _of(stage: str, named: Any) -> Sequence[tuple[str, Any]]:
    return [(name, value) for name, value in named if name.startswith(f"{stage}/")]
