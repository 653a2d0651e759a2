"""The run loop: stages in order, each handed what the one before left on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from vistadream.core import (
    Observer,
    Scene,
    Stage,
    StageFinished,
    StageStarted,
    UserError,
    use_checkpoints,
    use_observer,
    use_work_folder,
)
from vistadream.runs.chain import chain
from vistadream.runs.checkpoint_file import CheckpointFile
from vistadream.runs.folder import RunFolder
from vistadream.runs.resource_usage import ResourceUsage


class Recorder(Protocol):
    """Keeps what was observed of a stage so that a resumed run's report shows it too."""

    def save(self, stage: str, folder: Path) -> None: ...
    def load(self, stage: str, folder: Path) -> None: ...


def run_stages(
    stages: Mapping[str, Stage],
    fingerprints: Mapping[str, dict],
    observe: Observer,
    folder: RunFolder,
    recorder: Recorder,
    checkpoint_seconds: float,
    earlier: Sequence[RunFolder] = (),
    device: str = "cpu",
) -> Scene:
    """Runs the stages in their order, taking from `folder` each whose own and earlier fingerprints are unchanged.

    A stage that one of the `earlier` runs of a sweep finished with the same fingerprints is taken from there.

    A fingerprint is all that decides a stage's result: its knobs, its inputs' digests, versions. Every stage gets the
    Scene as read back from disk, so a resumed run and an unbroken one compute the same; its Views and Gaussians are on
    the `device`, on which the last Scene is returned too. A stage's fits save their state every `checkpoint_seconds`,
    and go on from it when the run was killed.
    """
    scene = Scene()
    for name, key in chain({name: fingerprints[name] for name in stages}).items():
        source = _source(name, key, folder, earlier)
        if source:
            with folder.reading(name):
                recorder.load(name, folder.seen(name))
            observe(
                f"{name}/finished", StageFinished(name, folder.finished(name)["seconds"], resumed=True, source=source)
            )
        else:
            checkpoints = CheckpointFile(folder.checkpoint(name), key, checkpoint_seconds)
            with use_observer(observe), use_checkpoints(checkpoints), use_work_folder(folder.work(name)):
                _run_stage(name, stages[name], scene, key, observe, folder, recorder, checkpoints.earlier_s)
        scene = folder.load_stage(name).to(device)
        if len(scene.gaussians):
            observe(f"{name}/gaussians", scene.gaussians)
    return scene


def _source(name: str, key: str, folder: RunFolder, earlier: Sequence[RunFolder]) -> str | None:
    """Where the finished stage was taken from: the run's own folder or one of the earlier; None where none has it."""
    if _has(folder, name, key):
        return "disk"
    for other in earlier:
        if _has(other, name, key):
            folder.adopt_stage(name, other)
            return str(other.root) if _has(folder, name, key) else None
    return None


def _has(folder: RunFolder, name: str, key: str) -> bool:
    done = folder.finished(name)
    return done is not None and done.get("key") == key


def _run_stage(
    name: str,
    stage: Stage,
    scene: Scene,
    key: str,
    observe: Observer,
    folder: RunFolder,
    recorder: Recorder,
    earlier_s: float,
) -> None:
    observe(f"{name}/started", StageStarted(name))
    with ResourceUsage() as usage, finite_or_said(name):
        result = stage(scene, observe)
    seconds = earlier_s + usage.seconds
    figures = {"seconds": seconds, "peak_bytes": usage.peak_bytes, "peak_vram_bytes": usage.peak_vram_bytes}
    done = {"key": key, **figures, "gaussians": len(result.gaussians)}
    observe(f"{name}/finished", StageFinished(name, seconds, gaussians=len(result.gaussians)))
    folder.save_stage(name, result, done, lambda draft: recorder.save(name, draft / folder.seen(name).name))


@contextmanager
def finite_or_said(stage: str) -> Iterator[None]:
    """UserError that says what to do when a fit's numbers have become infinite."""
    try:
        yield
    except FloatingPointError as error:
        knob = f"stages.{stage}.fitting.rates.means"
        raise UserError(f"{error}; lower its rates, such as {knob}=0.01, and resume") from error
