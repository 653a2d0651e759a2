"""The job of `vistadream refine`: all Gaussians of a scene are fitted together to posed views.

The result is a folder with gaussians_refined.ply, refine_meta.json (what was done, and the figures of every view before
and after) and refine_plots.svg, and with the records of every run: run.json, config.yaml, run.log and events.jsonl. The
same job goes on where a killed one left its checkpoint, to the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vistadream.backends.auto import Choice
from vistadream.backends.device import device_of
from vistadream.config import Composed, compose, name_of, today
from vistadream.core import (
    Observer,
    Scene,
    StageFinished,
    StageStarted,
    UserError,
    system_errors,
    use_checkpoints,
    use_observer,
)
from vistadream.exporters.report.plots import change_chart, write_sheet
from vistadream.exporters.report.svg import line_chart
from vistadream.formats.fastgs_dataset import is_dataset, read_dataset
from vistadream.formats.fastgs_dataset.layout import META as DATASET_META
from vistadream.formats.files import sha256_of, write_json
from vistadream.formats.ply import read_ply, write_ply
from vistadream.formats.scene import load_scene
from vistadream.observers.record import Record
from vistadream.pipeline import finite_or_said
from vistadream.runs.checkpoint_file import CheckpointFile
from vistadream.runs.folder import RunFolder
from vistadream.runs.provenance import environment
from vistadream.runs.resource_usage import ResourceUsage
from vistadream.runs.surroundings import surroundings
from vistadream.session import Described, never, session
from vistadream.version import __version__

PLY, META, PLOTS = "gaussians_refined.ply", "refine_meta.json", "refine_plots.svg"
CHECKPOINT = "checkpoint.safetensors"
_READ = (
    "stage",
    "seed",
    "device",
    "checkpoint_seconds",
    "stages",
    "backends.render",
    "backends/render",
    "rerun",
    "observers",
)
"""The knobs and sections that this job reads."""
PLOTTED = {
    "psnr_db": "PSNR in dB",
    "ssim": "SSIM",
    "depth_abs_rel": "depth, mean relative error",
    "normal_mean_deg": "normals, mean angle in degrees",
}


@dataclass(frozen=True)
class Task:
    """What to refine, and where the result goes."""

    dataset: Path
    """A dataset (docs/fastgs_dataset.md), or the folder of a finished stage."""
    result: Path
    """A new folder."""
    start: Path | None = None
    """3DGS PLY to start from; None: the stage's own."""
    overrides: Sequence[str] = ()
    """Knobs as words, such as "stages.refine.steps=400"."""


@dataclass(frozen=True)
class Inputs:
    """What is read before anything is written."""

    scene: Scene
    files: dict[str, Any]
    """Paths and digests, for refine_meta.json."""


@system_errors()
@surroundings()
def refine(task: Task, observers: Sequence[Observer] = (), cancelled: Callable[[], bool] = never) -> Scene:
    """Writes the result, and returns it; UserError on bad input, with nothing written.

    `observers` and `cancelled` are as for `session.run`.
    """
    composed = compose(task.overrides, job="refine")
    _refuse_unread(task.overrides)
    (name,) = composed.plan()
    stage, knobs = composed.build(f"stages.{name}"), composed.build_each("observers")
    device = device_of(composed.plain("device"), composed.build("backends.render"))
    inputs = read_inputs(task)
    folder, checkpoints = claim(task.result, composed, inputs)
    described = Described(composed.yaml(), composed.knobs(), {}, _facts(task, composed, device, inputs))
    with session(folder, (name,), described, knobs, observers, cancelled) as work:
        observe = work.observe
        observe(f"{name}/started", StageStarted(name))
        with ResourceUsage() as usage, use_observer(observe), use_checkpoints(checkpoints), finite_or_said(name):
            refined = stage(inputs.scene.to(device.name), observe).to("cpu")
        observe(f"{name}/gaussians", refined.gaussians)
        cost = {"seconds": checkpoints.earlier_s + usage.seconds, "peak_bytes": usage.peak_bytes}
        observe(f"{name}/finished", StageFinished(name, cost["seconds"]))
        meta = provenance(task, composed, inputs, usage) | {"seconds": cost["seconds"]} | findings(work.record)
        write_result(folder, refined, meta)
        work.facts["stages"] = {name: cost | {"gaussians": len(refined.gaussians)}}
    return refined


def _refuse_unread(words: Sequence[str]) -> None:
    """UserError for the first word that only `vistadream single-img` reads, such as export=."""
    for word in words:
        name = name_of(today(word))
        if name not in _READ and not name.startswith(tuple(f"{section}." for section in _READ)):
            raise UserError(
                f"{word} is not read by vistadream refine; wanted knobs of stages.refine, backends.render, rerun or "
                f"observers, seed, device, or checkpoint_seconds: leave {name} out"
            )


def _facts(task: Task, composed: Composed, device: Choice, inputs: Inputs) -> dict[str, Any]:
    """What run.json says of the job."""
    renderer = composed.choices["render"]
    return {
        "command": "refine",
        "overrides": list(task.overrides),
        "seed": composed.plain("seed"),
        "device": {"name": device.name, "why": device.reason},
        "backends": {"render": {"name": renderer.name, "why": renderer.reason}},
        "inputs": {file["path"]: file["sha256"] for file in inputs.files.values()},
    }


def read_inputs(task: Task) -> Inputs:
    """Views and Gaussians, strictly validated; of a dataset, depth where it may supervise geometry."""
    folder, start = task.dataset, task.start
    if is_dataset(folder):
        samples = read_dataset(folder)
        views = tuple(
            replace(s.view, z=s.view.z * s.geometry, normals=s.normals * s.geometry[..., None]) for s in samples
        )
        files = [folder / DATASET_META]  # which holds the digests of all others
    elif (folder / "scene.json").exists():
        views = load_scene(folder).views
        files = [folder / "scene.json", *sorted((folder / "views").iterdir())]
        start = start or folder / "gaussians.ply"
    else:
        raise UserError(
            f"{folder} holds no scene.json and no meta.json; wanted a stage's folder, as 04_coarse of a run, "
            "or a dataset, as its export/fastgs"
        )
    if start is None:
        raise UserError(f"{folder} is a dataset, which holds no Gaussians; wanted some: add --init-gaussians FILE.ply")
    gaussians = read_ply(start)
    if not len(gaussians):
        raise UserError(f"{start}: holds no Gaussians; wanted at least one to refine")
    found = {
        "dataset": {"path": str(folder), "sha256": _digest([sha256_of(file) for file in files])},
        "init_gaussians": {"path": str(start), "sha256": sha256_of(start)},
    }
    return Inputs(Scene(views, gaussians), found)


def claim(result: Path, composed: Composed, inputs: Inputs) -> tuple[RunFolder, CheckpointFile]:
    """The result's folder, made if need be, and its checkpoint.

    UserError when it holds anything but what a killed refinement of the same inputs and knobs has left.
    """
    digests = [file["sha256"] for file in inputs.files.values()]
    key = _digest([__version__, composed.plain("stages.refine"), digests])
    folder = RunFolder(result)
    checkpoints = CheckpointFile(result / CHECKPOINT, key, composed.plain("checkpoint_seconds"))
    if result.exists() and not result.is_dir():
        raise UserError(f"{result} is a file; wanted a new folder: name another --result-dir")
    if result.exists():
        own = [result / CHECKPOINT, *folder.records(), *folder.drafts()]
        if others := sorted(set(result.iterdir()) - set(own)):
            raise UserError(
                f"{result} exists already and holds {others[0].name}; wanted a new folder: name another --result-dir"
            )
        if folder.facts().get("command", "refine") != "refine":
            raise UserError(f"{result} is the folder of another job; wanted a new folder: name another --result-dir")
        if checkpoints.is_foreign("refine"):
            raise UserError(
                f"{result} holds the checkpoint of another refinement, with other inputs or knobs; wanted the same to "
                "go on, or a new folder: name another --result-dir"
            )
    result.mkdir(parents=True, exist_ok=True)
    return folder, checkpoints


def provenance(task: Task, composed: Composed, inputs: Inputs, usage: ResourceUsage) -> dict[str, Any]:
    """What the result came from."""
    return {
        "inputs": inputs.files,
        "seed": composed.plain("seed"),
        "renderer": composed.choices["render"].name,
        "configuration": composed.plain("stages.refine"),
        "overrides": list(task.overrides),
        "peak_bytes": usage.peak_bytes,
        "peak_vram_bytes": usage.peak_vram_bytes,
        **environment(),
    }


def findings(record: Record) -> dict[str, Any]:
    """What the stage reported of its work."""
    reported = {key: value for summary in record.summaries.values() for key, value in summary.data.items()}
    return {**reported, "loss": record.curves.get("refine/loss", [])}


def write_result(folder: RunFolder, refined: Scene, meta: dict[str, Any]) -> None:
    """Each file whole or not at all, the description last; then the checkpoint goes."""
    with folder.replace(folder.root / PLY) as draft:
        write_ply(refined.gaussians, draft)
    with folder.replace(folder.root / PLOTS) as draft:
        write_sheet(draft, {"loss": line_chart(meta["loss"])} | _changes(meta["views"]))
    with folder.replace(folder.root / META) as draft:
        write_json(draft, meta)
    (folder.root / CHECKPOINT).unlink(missing_ok=True)


def _changes(views: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{title} (hollow: before)": change_chart(
            [(name, view["before"][figure], view["after"][figure]) for name, view in views.items()]
        )
        for figure, title in PLOTTED.items()
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
