"""One run from its overrides to its results: folder, observers, stages, exports."""

from __future__ import annotations

import logging
import os
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from vistadream.assets import sample_image
from vistadream.config import (
    INPUT_KNOBS,
    Composed,
    check,
    compose,
    name_of,
    of_the_replaced,
    quote_paths,
    refuse_saved_interpolations,
    saved_words,
    unquoted,
)
from vistadream.core import Note, Observer, Scene, Trajectory, UserError, system_errors
from vistadream.deliver import Export, deliver, deliver_report
from vistadream.formats.files import write_json
from vistadream.formats.json_file import read_json
from vistadream.inputs import Inputs, check_picture
from vistadream.observers.console import ConsoleObserver, Terminal
from vistadream.observers.multiplexer import Multiplexer
from vistadream.observers.record import Record
from vistadream.observers.rerun import RerunSettings, rerun_observer
from vistadream.pipeline import plan_of, run_stages
from vistadream.runs.folder import RunFolder
from vistadream.runs.provenance import environment
from vistadream.runs.resource_usage import Laps
from vistadream.runs.surroundings import surroundings

_LONGEST_NAME = 40
"""Characters of a prompt that name its run folder."""


@dataclass(frozen=True)
class Run:
    """What a run left: its Scene, its folder and its figures."""

    scene: Scene
    folder: Path
    metrics: dict


@dataclass
class Job:
    """One run of a sweep."""

    number: int
    earlier: Sequence[Job] = field(repr=False)
    """Those that have ended; their finished stages are taken where they are the same."""
    folder: RunFolder | None = None
    """Set once it is made."""


@system_errors()
@surroundings()
def run(words: Sequence[str], job: Job | None = None, begun_s: float | None = None) -> Run:
    """One run of the main job from its overrides; `job` when it is one of a sweep. UserError on bad input.

    `begun_s`: when the run began, as `time.perf_counter()` has it; None: now.
    """
    laps = Laps(time.perf_counter() if begun_s is None else begun_s)
    words, resumed, left_out = _resume([_absolute(word) for word in _without_nul(words)])
    old = RunFolder(resumed) if resumed else None
    inputs = Inputs.of(old)
    composed = _compose_with_sample(quote_paths(inputs.stand_in(words, old)))
    for role, choice in composed.choices.items():
        check(role, choice.name)
    plan = plan_of(composed.plain("stage"))
    stages = {name: composed.build(f"stages.{name}") for name in plan}
    export = composed.make("export", Export)
    export.check_programs()
    flight = _flight(composed, export)
    viewing = composed.make("rerun", RerunSettings)
    every_s = composed.plain("checkpoint_seconds")
    if not old:
        check_picture(composed)
    fingerprints = inputs.fingerprints(composed, plan)
    folder = old or _new_folder(composed, job)
    record = Record()
    with (
        _kept_if_used(folder, job, resumed=old is not None),
        folder.lock() as locked,
        _log_file(folder.log),
        _console(folder) as console,
        rerun_observer(
            viewing,
            folder.new_recording(),
            name=folder.root.parent.name,
            stages=plan,
            config=composed.yaml(),
            knobs=composed.knobs(),
        ) as viewer,
        _facts(folder, words, composed, inputs) as facts,  # ends before the viewer, which may wait for people
        system_errors(),
    ):
        observe = Multiplexer(console, viewer, record)
        _announce(composed, left_out, locked, observe)
        laps("start")
        earlier = [other.folder for other in job.earlier if other.folder] if job else []
        scene = run_stages(stages, fingerprints, plan, observe, folder, record, every_s, earlier)
        laps("stages")
        renderer = composed.build("backends.render")
        metrics = deliver(scene, plan[-1], folder, export, renderer, flight, observe)
        laps("delivery")
        finished = {name: folder.finished(name) for name in plan}
        facts |= {"seconds": laps.seconds, "stages": finished, "metrics": metrics}
        if export.report:
            deliver_report(scene, folder, export, renderer, record, facts, composed.changed())
        observe("export/done", Note(f"done: {folder.root}"))
    return Run(scene, folder.root, metrics)


def _without_nul(words: Sequence[str]) -> Sequence[str]:
    if odd := [word for word in words if "\0" in word]:
        raise UserError(f"{odd[0]!r} holds a NUL character; wanted none: no file name can hold one")
    return words


@contextmanager
def _kept_if_used(folder: RunFolder, job: Job | None, resumed: bool) -> Iterator[None]:
    """Tells the sweep of the folder; removes a new one when bad input ended the run before any stage had finished.

    Whatever else ends the run says in its notes how to go on.
    """
    if job:
        job.folder = folder
    try:
        yield
    except BaseException as error:
        if isinstance(error, UserError) and not resumed and not folder.holds_work():
            folder.remove()
            if job:
                job.folder = None
        else:
            error.add_note(f"go on with: vistadream single-img {shlex.quote(f'resume={folder.root}')}")
        raise


def _flight(composed: Composed, export: Export) -> Trajectory:
    """The camera path of the videos: the one that export.video_trajectory names, at its defaults, or the run's own."""
    if export.video_trajectory is None:
        return composed.build("trajectory")
    try:
        return compose([f"trajectory={export.video_trajectory}"]).build("trajectory")
    except UserError as error:
        raise UserError(f"export.video_trajectory: {error}") from error


def _resume(words: list[str]) -> tuple[list[str], Path | None, list[str]]:
    """The overrides of the run named by resume=, each replaced by a new one of its name, and that run's folder.

    Third, what is left out of them: knobs of backends that the new words replace by others.
    """
    resuming = [w for w in words if name_of(w) == "resume" and w.partition("=")[2] != "null"]
    if not resuming:
        return words, None, []
    root = Path(os.path.expanduser(unquoted(resuming[-1])))
    RunFolder(root).refuse_links()
    try:
        saved = saved_words(read_json(RunFolder(root).run_json, finite=False)["overrides"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"resume={root} is not a run folder; wanted one with a run.json: name the folder that a run printed first"
        ) from error
    left_out = of_the_replaced(saved, words)
    kept = {name_of(word): word for word in saved if word not in left_out}
    new = {name_of(word): word for word in words if word not in resuming}
    refuse_saved_interpolations([word for name, word in kept.items() if name not in new], root)
    merged = kept | new
    return list(merged.values()), root, left_out


def _compose_with_sample(words: Sequence[str]) -> Composed:
    """The configuration; without a picture and without words for one, with VistaDream's own sample."""
    composed = compose(words)
    if composed.plain("image") is not None or composed.plain("prompt") is not None:
        return composed
    return compose([*words, *quote_paths([f"image={sample_image()}"])])


def _new_folder(composed: Composed, job: Job | None) -> RunFolder:
    words = composed.plain("prompt")
    subject = Path(composed.plain("image")).stem if words is None else words[:_LONGEST_NAME].strip()
    stem = re.sub(r"[^\w.-]+", "_", subject).strip(".") or "image"  # neither . nor .., which are other folders
    name = time.strftime("%Y-%m-%d_%H-%M-%S") + ("" if job is None else f"-{job.number}")
    return RunFolder.make(Path(os.path.expanduser(composed.plain("out"))) / stem / name)


@contextmanager
def _facts(folder: RunFolder, words: Sequence[str], composed: Composed, inputs: Inputs) -> Iterator[dict]:
    """What run.json holds: its status is running, and in the end finished, failed with the error, or interrupted."""
    facts = _begin(folder, words, composed, inputs)
    try:
        yield facts
    except BaseException as error:
        said = str(error) if isinstance(error, UserError) else repr(error)
        stopped = not isinstance(error, Exception)  # Ctrl-C, SIGTERM
        ended = {"status": "interrupted"} if stopped else {"status": "failed", "error": said}
        with suppress(UserError):  # a disk that is full: the first error is the one to tell
            _write_facts(folder, facts | ended)
        raise
    _write_facts(folder, facts | {"status": "finished"})


def _begin(folder: RunFolder, words: Sequence[str], composed: Composed, inputs: Inputs) -> dict:
    """Puts config.yaml and run.json into the run folder; returns what run.json holds."""
    backends = {role: {"name": c.name, "why": c.reason} for role, c in composed.choices.items()}
    facts = {
        "status": "running",
        "pid": os.getpid(),
        "overrides": list(words),
        "seed": composed.plain("seed"),
        "backends": backends,
        "inputs": inputs.digests,
        **environment(),
    }
    folder.clear_drafts()
    with folder.replace(folder.config) as draft:
        draft.write_text(composed.yaml(), encoding="utf-8")
    inputs.keep_cameras(composed, folder)
    _write_facts(folder, facts)
    return facts


def _absolute(word: str) -> str:
    """An input's path made absolute, so that the run can be resumed from anywhere."""
    knob, _, value = word.partition("=")
    knob = knob.lstrip("+")
    if knob not in INPUT_KNOBS or not value:
        return word
    path = os.path.expanduser(unquoted(word))
    return f"{knob}={Path(path).absolute()}" if os.path.exists(path) else word


def _write_facts(folder: RunFolder, facts: dict) -> None:
    with folder.replace(folder.run_json) as draft:
        write_json(draft, facts)


def _announce(composed: Composed, left_out: Sequence[str], locked: bool, observe: Observer) -> None:
    if not locked:
        words = "this disk knows no locks: start no other run with resume= on this folder before this one has ended"
        observe("run/lock", Note(words, "warning"))
    if left_out:
        observe("run/resume", Note(f"left out, as it belongs to what was replaced: {shlex.join(left_out)}"))
    for role, choice in composed.choices.items():
        observe(f"run/{role}", Note(f"{role}: {choice.name} ({choice.reason})"))


@contextmanager
def _console(folder: RunFolder) -> Iterator[ConsoleObserver]:
    """The terminal, whose first line names the run folder: other observers may have more to say as they open."""
    with ConsoleObserver(Terminal()) as console:
        console("run/folder", Note(f"run folder: {folder.root}"))
        yield console


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """What the "vistadream" logger says and the error that ends the run go to run.log, appended when it is resumed."""
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("vistadream")
    logger.addHandler(handler)
    try:
        yield
    except BaseException as error:
        trace = None if isinstance(error, UserError) else (type(error), error, error.__traceback__)
        said = ("%s", error) if isinstance(error, UserError) else ("ended by %r", error)
        handler.handle(logging.LogRecord(logger.name, logging.ERROR, __file__, 0, said[0], said[1:], trace))
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()
