"""What a run leaves for people and for other programs: PLY, video, metrics, report."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from vistadream.core import Camera, Note, Observer, Progress, Renderer, Rendering, Scene, Trajectory, UserError
from vistadream.exporters.formats import CONVERTED, FORMATS, write_format
from vistadream.exporters.report.page import ReportData, StageRow, write_report
from vistadream.formats.fastgs_dataset import write_dataset
from vistadream.formats.files import write_json
from vistadream.formats.splat_transform import find_splat_transform
from vistadream.formats.video import VideoFile
from vistadream.observers.record import Record
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.evaluation.metrics import psnr, ssim
from vistadream.ops.gaussians.filter_3d import filter_3d
from vistadream.ops.holes.preview import depth_range_along
from vistadream.ops.image.colormap import depth_colors
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder

PICTURES = ("rgb", "depth", "side_by_side")
_CAPTIONS = {"rgb": "a flight through it", "depth": "its depth", "side_by_side": "color and depth"}
VIDEO_FORMATS = ("mp4", "gif", "webp")
_SEEN = 0.5
"""Mean alpha of the photo's own view below which something is amiss."""
_VIEWER_KEYS = 24
"""Cameras of the path that the viewer's page flies through."""


@dataclass(frozen=True)
class Export:
    """What to write after the last stage."""

    formats: list[str]
    """Of the scene: FORMATS."""
    smoothing_px2: float
    """Variance added in formats for viewers, all but "ply": `ops.filter_3d`, in squared pixels of the scene's views."""
    videos: list[str]
    """Of a flight through the scene: PICTURES."""
    video_formats: list[str]
    video_trajectory: str | None
    """The camera path by its name, at its defaults; None: the run's own."""
    video_frames: int
    video_fps: int
    video_crf: int
    """x264's constant rate factor."""
    report: bool
    fastgs: bool
    """The views with their depth, normals and masks, as docs/fastgs_dataset.md says."""

    def __post_init__(self) -> None:
        for name, known in (("formats", FORMATS), ("videos", PICTURES), ("video_formats", VIDEO_FORMATS)):
            values = getattr(self, name)
            if odd := [value for value in values if value not in known or values.count(value) > 1]:
                raise ValueError(f"export.{name}: got {odd[0]!r}; wanted some of {', '.join(known)}, each once, or []")
        for name, low, high in (("video_frames", 1, None), ("video_fps", 1, None), ("video_crf", 0, 51)):
            value = getattr(self, name)
            if value < low or (high is not None and value > high):
                wanted = f"{low} to {high}" if high is not None else f"{low} or more"
                raise ValueError(f"export.{name}: got {value}; wanted {wanted}")
        if not 0 <= self.smoothing_px2 <= 1:
            raise ValueError(f"export.smoothing_px2: got {self.smoothing_px2}; wanted 0 to 1")

    def check_programs(self) -> None:
        """UserError when a format asks for a program that is not installed."""
        if asked := [name for name in self.formats if name in CONVERTED]:
            find_splat_transform(f"export.formats={asked[0]}")


def deliver(
    scene: Scene,
    stage: str,
    folder: RunFolder,
    export: Export,
    renderer: Renderer,
    trajectory: Trajectory,
    observe: Observer,
) -> dict:
    """Writes export/ and metrics.json, the videos along `trajectory`; returns the metrics.

    `stage`: the one that the scene is of. Results of another go first, asked for now or not.
    """
    folder.keep_results_of(stage)
    path = keep_clear(trajectory, scene, export.video_frames)
    if path.note is not None:
        observe("export/path", path.note)
    _write_scene(scene, folder, export, path.cameras)
    if export.fastgs:
        _write_views(scene, folder, observe)
    metrics = {"stage": stage, **_input_metrics(scene, renderer)}
    if metrics["input_alpha_mean"] < _SEEN:
        words = (
            f"the scene covers {metrics['input_alpha_mean']:.0%} of the photo's own view: see what backends.render "
            "leaves out (near_z, radius_clip_px)"
        )
        observe("export/empty", Note(words, "warning"))
    holes = _fly(scene, folder, export, renderer, path.cameras, observe)
    metrics["path_hole_ratio"] = {"mean": float(np.mean(holes)), "largest": float(np.max(holes))}
    with folder.replace(folder.metrics) as draft:
        write_json(draft, metrics)
    return metrics


def _write_scene(scene: Scene, folder: RunFolder, export: Export, path: Sequence[Camera]) -> None:
    photo = scene.anchor
    flight = [photo.camera, *path[:: math.ceil(len(path) / _VIEWER_KEYS)]]
    smooth = cache(lambda: filter_3d(scene.gaussians, [view.camera for view in scene.views], export.smoothing_px2))
    for form in export.formats:
        with folder.replace(folder.scene(form)) as draft:
            gaussians = scene.gaussians if form == "ply" else smooth()
            write_format(form, gaussians, draft, flight, reach_of(photo).focus_z)


def _write_views(scene: Scene, folder: RunFolder, observe: Observer) -> None:
    """Writes export/fastgs/, unless it is there: a dataset is never overwritten, and no stage has run since."""
    if folder.dataset.exists():
        observe("export/fastgs", Note(f"{folder.dataset} was there already and stays as it is"))
        return
    with folder.replace(folder.dataset) as draft:
        try:
            left_out = write_dataset(scene.views, scene.gaussians, draft, source="single")
        except ValueError as error:
            raise UserError(f"export.fastgs: {error}; wanted a larger picture, or export.fastgs=false") from error
    for reason in left_out:
        observe("export/fastgs", Note(f"dataset: {reason}"))


def _fly(
    scene: Scene, folder: RunFolder, export: Export, renderer: Renderer, path: Sequence[Camera], observe: Observer
) -> list[float]:
    """Writes the videos, each frame rendered once for all; returns each frame's share of pixels with alpha < 0.5."""
    with_depth = not set(export.videos) <= {"rgb"}
    want = ("rgb", "alpha", "z") if with_depth else ("rgb", "alpha")
    near, far = depth_range_along(scene.gaussians, path, renderer) if with_depth else (1.0, 2.0)
    holes = []
    with ExitStack() as files:
        videos = [
            (picture, files.enter_context(_video(folder.video(picture, form), folder, export)))
            for picture in export.videos
            for form in export.video_formats
        ]
        for i, camera in enumerate(path):
            with torch.no_grad():
                seen = renderer(scene.gaussians, [camera], want=want)[0]
            holes.append(float((seen.alpha < 0.5).float().mean()))
            observe("export/hole_ratio", holes[-1], i)
            observe("export/progress", Progress(i + 1, len(path)))
            for picture, video in videos:
                video(_frame(picture, seen, near, far))
    return holes


@contextmanager
def _video(target: Path, folder: RunFolder, export: Export) -> Iterator[VideoFile]:
    with folder.replace(target) as draft, VideoFile(draft, export.video_fps, export.video_crf) as video:
        yield video


def _frame(picture: str, seen: Rendering, near: float, far: float) -> UInt8[np.ndarray, "h w 3"]:
    """One of PICTURES of a rendering; depth in the same colors from `near` to `far` in every frame."""
    if picture == "rgb":
        return to_uint8(seen.rgb)
    depth = depth_colors(seen.z, seen.alpha >= 0.5, near, far)
    return depth if picture == "depth" else np.concatenate([to_uint8(seen.rgb), depth], axis=1)


def deliver_report(
    scene: Scene, folder: RunFolder, export: Export, renderer: Renderer, record: Record, facts: dict, changed: dict
) -> None:
    """Writes report.html from what was observed, from what `deliver` wrote and from run.json's facts."""
    photo = scene.anchor
    with torch.no_grad():
        seen = renderer(scene.gaussians, [photo.camera], want=("rgb",))[0]
    rows = [
        StageRow(
            name,
            done["seconds"],
            done["peak_bytes"],
            done["gaussians"],
            resumed=name in record.resumed,
            peak_vram_bytes=done.get("peak_vram_bytes"),
        )
        for name, done in facts["stages"].items()
    ]
    asked = export.videos if "mp4" in export.video_formats else ()
    data = ReportData(
        title=folder.root.parent.name,
        command=shlex.join(["vistadream", "single-img", *facts["overrides"]]),
        stages=rows,
        photo=to_uint8(photo.rgb),
        result=to_uint8(seen.rgb),
        seconds=facts["seconds"],
        videos={_CAPTIONS[p]: folder.video(p, "mp4") for p in PICTURES if p in asked},
        files=folder.exported(),
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
    photo = scene.anchor
    with torch.no_grad():
        seen = renderer(scene.gaussians, [photo.camera])[0]
    return {
        "gaussians": len(scene.gaussians),
        "views": len(scene.views),
        "input_psnr_db": round(psnr(seen.rgb, photo.rgb), 3),
        "input_ssim": round(ssim(seen.rgb, photo.rgb), 5),
        "input_alpha_mean": round(float(seen.alpha.mean()), 5),
    }
