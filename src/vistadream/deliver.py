"""What a run leaves for people and for other programs: PLY, video, metrics, report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from vistadream.core import Camera, Observer, Progress, Renderer, Scene, Trajectory
from vistadream.exporters.ply import write_ply
from vistadream.exporters.report import ReportData, StageRow, write_report
from vistadream.exporters.video import write_video
from vistadream.observers.record import Record
from vistadream.ops.image import to_uint8
from vistadream.ops.metrics import psnr, ssim
from vistadream.ops.trajectory import keep_clear
from vistadream.run_folder import RunFolder, write_json


@dataclass(frozen=True)
class Export:
    """What to write after the last stage."""

    video: bool
    video_frames: int
    video_fps: int
    report: bool

    def __post_init__(self) -> None:
        for name in ("video_frames", "video_fps"):
            if getattr(self, name) < 1:
                raise ValueError(f"export.{name}: got {getattr(self, name)}; wanted 1 or more")


def deliver(
    scene: Scene,
    folder: RunFolder,
    export: Export,
    renderer: Renderer,
    trajectory: Trajectory,
    observe: Observer,
) -> dict:
    """Writes export/gaussians.ply, export/scene.mp4 and metrics.json; returns the metrics."""
    with folder.replace(folder.gaussians) as draft:
        write_ply(scene.gaussians, draft)
    metrics = _input_metrics(scene, renderer)
    path = keep_clear(trajectory, scene, export.video_frames).cameras
    holes: list[float] = []
    frames = _frames(scene, path, renderer, holes, observe)
    if export.video:
        with folder.replace(folder.video) as draft:
            write_video(frames, draft, fps=export.video_fps)
    else:
        for _ in frames:
            pass
    metrics["path_hole_ratio"] = {"mean": float(np.mean(holes)), "largest": float(np.max(holes))}
    with folder.replace(folder.metrics) as draft:
        write_json(draft, metrics)
    return metrics


def deliver_report(
    scene: Scene, folder: RunFolder, renderer: Renderer, record: Record, facts: dict, changed: dict
) -> None:
    """Writes report.html from what was observed and from run.json's facts."""
    photo = scene.view("input")
    with torch.no_grad():
        seen = renderer(scene.gaussians, [photo.camera], want=("rgb",))[0]
    rows = [
        StageRow(name, done["seconds"], done["peak_bytes"], done["gaussians"], resumed=name in record.resumed)
        for name, done in facts["stages"].items()
    ]
    data = ReportData(
        title=folder.root.parent.name,
        command=shlex.join(["vistadream", "single-img", *facts["overrides"]]),
        stages=rows,
        photo=to_uint8(photo.rgb),
        result=to_uint8(seen.rgb),
        video=folder.video if folder.video.exists() else None,
        images=record.images,
        curves=record.curves,
        charts=record.charts,
        notes=record.notes,
        summaries=record.summaries,
        metrics=facts["metrics"],
        backends={role: (b["name"], b["why"]) for role, b in facts["backends"].items()},
        knobs=changed,
        environment={k: facts[k] for k in ("vistadream", "git_revision", "python", "platform", "versions")},
    )
    with folder.replace(folder.report) as draft:
        write_report(data, draft)


def _input_metrics(scene: Scene, renderer: Renderer) -> dict:
    photo = scene.view("input")
    with torch.no_grad():
        seen = renderer(scene.gaussians, [photo.camera])[0]
    return {
        "gaussians": len(scene.gaussians),
        "views": len(scene.views),
        "input_psnr_db": round(psnr(seen.rgb, photo.rgb), 3),
        "input_ssim": round(ssim(seen.rgb, photo.rgb), 5),
        "input_alpha_mean": round(float(seen.alpha.mean()), 5),
    }


def _frames(
    scene: Scene, path: list[Camera], renderer: Renderer, holes: list[float], observe: Observer
) -> Iterator[np.ndarray]:
    """The fly-through one frame at a time; appends each frame's share of pixels with alpha under one half."""
    for i, camera in enumerate(path):
        with torch.no_grad():
            seen = renderer(scene.gaussians, [camera], want=("rgb", "alpha"))[0]
        holes.append(float((seen.alpha < 0.5).float().mean()))
        observe("export/progress", Progress(i + 1, len(path)))
        yield to_uint8(seen.rgb)
