"""The page that shows a run, made from the scene, from what was observed, and from the other results."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from vistadream.core import ExportContext, Scene
from vistadream.exporters.file_names import video_file
from vistadream.exporters.metrics import measure, read_metrics
from vistadream.exporters.report.page import ReportData, StageRow, write_report
from vistadream.exporters.report.plan import plan
from vistadream.formats.files import new_file
from vistadream.ops.image.pixels import to_uint8

FILE = "report.html"
_CAPTIONS = {"rgb": "a flight through it", "depth": "its depth", "side_by_side": "color and depth"}
_ENVIRONMENT = ("vistadream", "git_revision", "python", "platform", "versions")


@dataclass(frozen=True)
class Report:
    """One HTML page without links to other machines."""

    place: ClassVar[Literal["."]] = "."

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the page, which links to the files in target/export."""
        facts, record, photo = context.facts(), context.record, scene.anchor
        with torch.no_grad():
            seen = context.renderer(scene.gaussians, [photo.camera], want=("rgb",))[0]
        exported = target / "export"
        videos = {caption: exported / video_file(picture, "mp4") for picture, caption in _CAPTIONS.items()}
        data = ReportData(
            title=context.title,
            command=shlex.join(["vistadream", facts["command"], *facts["overrides"]]),
            stages=_rows(facts["stages"], context),
            photo=to_uint8(photo.rgb),
            result=to_uint8(seen.require("rgb")) if len(scene.gaussians) else None,
            photos=len(scene.photos),
            plan=plan(scene),
            seconds=facts["seconds"],
            videos={caption: video for caption, video in videos.items() if video.exists()},
            files=sorted(exported.iterdir()) if exported.is_dir() else (),
            images=record.images,
            curves=record.curves,
            charts=record.charts,
            notes=record.notes,
            summaries=record.summaries,
            metrics=read_metrics(target) or measure(scene, context),
            backends={role: (b["name"], b["why"]) for role, b in facts["backends"].items()},
            knobs=context.changed,
            environment={name: facts[name] for name in _ENVIRONMENT},
        )
        with new_file(target / FILE) as draft:
            write_report(data, draft)


def _rows(stages: Mapping[str, Mapping[str, Any]], context: ExportContext) -> list[StageRow]:
    return [
        StageRow(
            name,
            done["seconds"],
            done["peak_bytes"],
            done["gaussians"],
            resumed=name in context.record.resumed,
            peak_vram_bytes=done.get("peak_vram_bytes"),
        )
        for name, done in stages.items()
    ]
