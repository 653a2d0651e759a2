"""Everything around the work of a run: the state of the process, lock, log, observers, facts, and cancellation."""

from __future__ import annotations

import logging
import os
import platform
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from vistadream.core import (
    Cancelled,
    ExportContext,
    Exporter,
    Note,
    ObservedRun,
    Observer,
    ObserverKnobs,
    Prepares,
    Renderer,
    RunEnded,
    RunStarted,
    Scene,
    Stage,
    Trajectory,
    UserError,
    system_errors,
)
from vistadream.exporters.flight import SceneFlight
from vistadream.exporters.metrics import read_metrics
from vistadream.formats.files import write_json
from vistadream.observers.log_lines import log_lines
from vistadream.observers.logtap import LogTap, separate_lines
from vistadream.observers.multiplexer import Multiplexer
from vistadream.observers.record import Record
from vistadream.ops.evaluation.reach import measure_reach
from vistadream.pipeline import run_stages
from vistadream.runs.folder import RunFolder
from vistadream.runs.listed import Listed
from vistadream.runs.looks import Looks
from vistadream.runs.provenance import environment
from vistadream.runs.resource_usage import Laps
from vistadream.runs.results import write_results
from vistadream.runs.surroundings import surroundings


@dataclass(frozen=True)
class Described:
    """A job's configuration as it is written down."""

    yaml: str
    """For config.yaml."""
    knobs: Mapping[str, Any]
    """Every knob with its value, by its dotted name."""
    changed: Mapping[str, tuple[Any, Any]]
    """Knobs whose value is not the default: (value, default)."""
    facts: Mapping[str, Any]
    """For run.json: command, overrides, seed, backends with their reasons, digests of the inputs."""


@dataclass(frozen=True)
class Job:
    """What to run, as built objects; `vistadream.job` makes one from plain values."""

    stages: Mapping[str, Stage]
    """In the order in which they run."""
    fingerprints: Mapping[str, dict]
    """For each stage all that decides its result, as data for JSON."""
    order: tuple[str, ...]
    """All stages of this kind of job; the number in a stage's folder is its place here."""
    exporters: Mapping[str, Exporter]
    """What to write after the last stage, by the names of the results."""
    renderer: Renderer
    device: str
    """Where the Scene is after each stage: cpu, cuda or mps."""
    trajectory: Trajectory
    """Of the flight through the finished scene."""
    flight_frames: int
    observers: Mapping[str, ObserverKnobs]
    """What observes the run, by the names of the files in conf/observers/."""
    checkpoint_seconds: float
    """A fit saves its state this often."""
    home: Path
    """The folder in which new run folders are made."""
    folder: RunFolder | None
    """The run folder to resume; None: a new one."""
    described: Described
    copies: Sequence[Path] = ()
    """Files and folders of which the run folder keeps a copy."""
    notes: Sequence[tuple[str, Note]] = ()
    """What to tell the observers at the start."""


@dataclass(frozen=True)
class Run:
    """The result of a run: its Scene, on the CPU, its folder and its figures."""

    scene: Scene
    folder: Path
    metrics: dict


def never() -> bool:
    """A run that is not cancelled."""
    return False


@system_errors()
@surroundings()
def run(
    job: Job,
    observers: Sequence[Observer] = (),
    cancelled: Callable[[], bool] = never,
    *,
    suffix: str = "",
    earlier: Sequence[RunFolder] = (),
    begun_s: float | None = None,
) -> Run:
    """Runs a job in its folder and returns the result. UserError on bad input.

    `observers` receive every observation in addition to the observers of the job; one that raises an Exception is named
    in a warning and does not end the run. `cancelled` is called at each observation, so it must return at once; when it
    returns True, the run ends with `core.Cancelled`, its status is interrupted, and a job that resumes its folder goes
    on to the same result.

    `suffix` ends the name of a new run folder. Stages that a run in one of the `earlier` folders finished with the same
    fingerprints are taken from there. `begun_s` is the time.perf_counter() at which the run began; None: now.
    """
    begun_s = time.perf_counter() if begun_s is None else begun_s
    laps = Laps(begun_s)
    name = time.strftime("%Y-%m-%d_%H-%M-%S") + suffix
    folder = job.folder or RunFolder.make(job.home / name, job.order)
    with (
        _kept_if_used(folder, job),
        session(folder, tuple(job.stages), job.described, job.observers, observers, cancelled) as work,
    ):
        for path in job.copies:
            folder.keep_input(path)
        for about, note in job.notes:
            work.observe(about, note)
        if isinstance(job.renderer, Prepares):
            job.renderer.prepare()
        laps("start")
        looks = Looks(folder, work.observe, begun_s, "gaussians" in job.exporters)
        work.facts["milestones_s"] = looks.milestones_s
        each_s = job.checkpoint_seconds
        scene = run_stages(job.stages, job.fingerprints, looks, folder, work.record, each_s, earlier, job.device)
        laps("stages")
        metrics = _deliver(scene, job, folder, work, laps)
        looks.milestone("end")
        work.observe("export/milestones", _milestones(looks.milestones_s))
        work.observe("export/done", Note(f"done: {folder.root}"))
    return Run(scene.to("cpu"), folder.root, metrics)


@system_errors()
@surroundings()
def export_later(job: Job, cancelled: Callable[[], bool] = never) -> None:
    """Adds results to those of a finished run in the folder of the job; nothing else there changes but run.log.

    They have the bytes that the run itself would have given them; of what the run observed they know what it kept for
    the report. UserError where the folder has no finished run, `core.Cancelled` as for `run`.
    """
    folder = job.folder or RunFolder(job.home, job.order)
    stage = [*job.stages][-1]
    done = folder.finished(stage)
    if done is None or Listed.read(folder.root).key != done["key"]:
        raise UserError(
            f"the run is not finished up to {stage}, or its results are older; wanted a whole one: resume it"
        )
    with folder.lock(), _log_file(folder.log):
        observe, record = _until(cancelled, log_lines), Record()
        for each in job.stages:
            with folder.reading(each):
                record.load(each, folder.seen(each))
        _export(folder.load_stage(stage).to(job.device), job, folder, done["key"], observe, record, folder.facts)


def _until(cancelled: Callable[[], bool], observer: Observer) -> Observer:
    """The observer, which raises Cancelled once the run is cancelled."""

    def observe(name: str, value: Any, step: int | None = None) -> None:
        observer(name, value, step)
        if cancelled():
            raise Cancelled(f"cancelled at {name}")

    return observe


def _deliver(scene: Scene, job: Job, folder: RunFolder, work: Session, laps: Laps) -> dict:
    """Writes the results; adds figures to what run.json holds, and returns the metrics."""
    finished = {name: folder.finished(name) for name in job.stages}

    def facts() -> dict:
        return {**work.facts, "stages": finished, "seconds": laps.until_now("delivery")}

    *_, done = finished.values()
    _export(scene, job, folder, done["key"], work.observe, work.record, facts)
    laps("delivery")
    metrics = read_metrics(folder.root)
    work.facts.update(seconds=laps.seconds, stages=finished, metrics=metrics, is_metric=scene.is_metric)
    return metrics


def _milestones(seconds: Mapping[str, float]) -> Note:
    reached = ", ".join(f"{name.replace('_', ' ')} {at_s:.1f}" for name, at_s in seconds.items())
    return Note(f"seconds from the start of the run: {reached}")


def _export(
    scene: Scene, job: Job, folder: RunFolder, key: str, observe: Observer, record: Record, facts: Callable[[], dict]
) -> None:
    """Writes the results of the scene with that key."""
    context = ExportContext(
        stage=[*job.stages][-1],
        renderer=job.renderer,
        flight=SceneFlight(scene, job.trajectory, job.flight_frames, job.renderer, observe),
        reach=cache(partial(measure_reach, scene, job.renderer)),
        observe=observe,
        record=record,
        facts=facts,
        changed=job.described.changed,
        title=folder.root.parent.name,
    )
    here = scene.to("cpu")  # files are written there; the flight is drawn where the scene is
    write_results(folder, key, job.exporters.values(), here, context)


@dataclass(frozen=True)
class Session:
    """What surrounds the work of a run."""

    observe: Observer
    """Sends to all observers, and raises Cancelled once the run is cancelled."""
    record: Record
    facts: dict[str, Any]
    """What run.json will hold at the end; the work adds its figures."""


@contextmanager
def session(
    folder: RunFolder,
    stages: tuple[str, ...],
    described: Described,
    knobs: Mapping[str, ObserverKnobs],
    others: Sequence[Observer] = (),
    cancelled: Callable[[], bool] = never,
) -> Iterator[Session]:
    """Lock, log, observers and run.json around the block, which does the work of `stages`.

    `knobs` are those of the job's observers, `others` further observers. `cancelled` is as for `run`.
    """
    record = Record()
    about = ObservedRun(folder.root, folder.events, folder.new_recording(), stages, described.yaml, described.knobs)
    with (
        folder.lock() as by_system,
        separate_lines(),
        _log_file(folder.log),
        _open_observers(knobs, about, [record, *others]) as everyone,
        _facts(folder, described, everyone) as facts,  # ends before the viewer, which may wait for people
        system_errors(),
    ):
        observe = _until(cancelled, everyone)
        for name, note in _on_locks(by_system):
            observe(name, note)
        yield Session(observe, record, facts)


@contextmanager
def _open_observers(
    knobs: Mapping[str, ObserverKnobs], run: ObservedRun, others: Sequence[Observer]
) -> Iterator[Observer]:
    """All observers as one, and the lines of the log; the last to open is the first to close."""
    with ExitStack() as stack:
        opened = [stack.enter_context(each.open(run)) for each in knobs.values()]
        everyone = Multiplexer(log_lines, *opened, *others)
        everyone("run/started", RunStarted(str(run.folder)))
        yield everyone


@contextmanager
def _kept_if_used(folder: RunFolder, job: Job) -> Iterator[None]:
    """Removes a new folder when bad input ended the run before any stage had finished.

    Whatever else ends the run says in its notes how to go on.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, UserError) and not job.folder and not folder.holds_work():
            folder.remove()
        else:
            error.add_note(f"go on with: {_going_on(folder, job)}")
        if isinstance(error, Cancelled):
            error.folder = folder.root
        raise


def _going_on(folder: RunFolder, job: Job) -> str:
    """What resumes the run: a command, or a call where a Python program has given objects."""
    if objects := job.described.facts.get("objects"):
        return f"vistadream.job(resume={str(folder.root)!r}, {', '.join(f'{role}=...' for role in objects)})"
    return f"vistadream {job.described.facts['command']} {shlex.quote(f'resume={folder.root}')}"


@contextmanager
def _facts(folder: RunFolder, described: Described, observe: Observer) -> Iterator[dict]:
    """What run.json holds: its status is running, and in the end finished, failed with the error, or interrupted."""
    facts = _begin(folder, described)
    try:
        yield facts
    except BaseException as error:
        reason = str(error) if isinstance(error, UserError) else repr(error)
        stopped = not isinstance(error, Exception)  # Ctrl-C, SIGTERM, Cancelled
        ended = RunEnded("interrupted") if stopped else RunEnded("failed", reason)
        with suppress(UserError):  # the disk may be full: the first error is the one to report
            _write_facts(folder, facts | _present(ended))
        observe("run/ended", ended)
        raise
    _write_facts(folder, facts | _present(RunEnded("finished")))
    observe("run/ended", RunEnded("finished"))


def _present(ended: RunEnded) -> dict:
    return {"status": ended.status} | ({} if ended.error is None else {"error": ended.error})


def _begin(folder: RunFolder, described: Described) -> dict:
    """Puts config.yaml and run.json into the run folder; returns what run.json holds."""
    facts = {
        "status": "running",
        "host": platform.node(),
        "pid": os.getpid(),
        **described.facts,
        **environment(),
    }
    folder.clear_drafts()
    with folder.replace(folder.config) as draft:
        draft.write_text(described.yaml, encoding="utf-8")
    _write_facts(folder, facts)
    return facts


def _write_facts(folder: RunFolder, facts: dict) -> None:
    with folder.replace(folder.run_json) as draft:
        write_json(draft, facts)


def _on_locks(by_system: bool) -> list[tuple[str, Note]]:
    words = "this disk knows no locks: the file run.lock keeps other runs out of the folder instead"
    return [] if by_system else [("run/lock", Note(words))]


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """What the run logs and the error that ends it go to run.log, which is continued when the run is resumed."""
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    tap = LogTap(handler.handle)
    try:
        yield
    except BaseException as error:
        trace = None if isinstance(error, UserError) else (type(error), error, error.__traceback__)
        said = ("%s", error) if isinstance(error, UserError) else ("ended by %r", error)
        handler.handle(logging.LogRecord("vistadream", logging.ERROR, __file__, 0, said[0], said[1:], trace))
        raise
    finally:
        tap.detach()
        handler.close()
