"""From words or plain values to a job, and from there to its results."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vistadream.backends.auto import Choice
from vistadream.backends.device import device_of
from vistadream.config import (
    CAMERA_PATH,
    INPUT_KNOBS,
    SEVERAL,
    Composed,
    check,
    compose,
    name_of,
    of_the_replaced,
    quote_paths,
    refuse_saved_interpolations,
    saved_words,
    today,
    unquoted,
    with_path,
    with_resolution,
    words_of,
)
from vistadream.core import Note, Trajectory, UserError, system_errors
from vistadream.exporters.flight import FlightKnobs
from vistadream.formats.json_file import read_json
from vistadream.ops.camera_path.envelope import extended
from vistadream.runs.folder import RunFolder
from vistadream.runs.inputs import Inputs
from vistadream.runs.surroundings import surroundings
from vistadream.session import Described, Job, Run
from vistadream.session import run as run_job
from vistadream.sources.input_paths import items
from vistadream.version import __version__

COMMANDS = {"single_img": "single-img", "multi_img": "multi-img"}
"""The command of each job whose words this module reads, as run.json names it."""


@system_errors()
@surroundings()
def run(words: Sequence[str], job: str = "single_img", **how: Any) -> Run:
    """One run of a job from its overrides; `how` are the further arguments of `session.run`."""
    return run_job(job_from_words(words, job=job), **how)


@system_errors()
@surroundings()
def job_from_values(
    values: Mapping[str, Any],
    overrides: Sequence[str] = (),
    given: Mapping[str, object] | None = None,
    job: str = "single_img",
) -> Job:
    """As `job_from_words`, from knobs with their values, such as {"seed": 3}, and further overrides."""
    return job_from_words([*words_of(values), *overrides], given, job)


@system_errors()
@surroundings()
def job_from_words(words: Sequence[str], given: Mapping[str, object] | None = None, job: str = "single_img") -> Job:
    """A job from its overrides, such as "seed=3". UserError on bad input; nothing is written.

    `given`: objects that stand in the place of configured backends, by role, such as "depth". `job` names a file in
    conf/job/.
    """
    given = given or {}
    words, old, left_out = _resume([_absolute(today(word)) for word in _without_nul(words)], given, job)
    words, size = with_resolution(words)
    inputs = Inputs.of(old)
    composed = compose(quote_paths(with_path(words, CAMERA_PATH, old.at_hand) if old else words), given, job)
    for role, choice in composed.choices.items():
        if role not in given:
            check(role, choice.name)
    plan = composed.plan()
    exporters = composed.build("export")
    flight = composed.make("flight", FlightKnobs)
    trajectory = _trajectory(composed, flight)
    renderer = composed.build("backends.render")
    device = device_of(composed.plain("device"), renderer)
    stages = {name: composed.build(f"stages.{name}") for name in plan}
    fingerprints = inputs.fingerprints(stages)
    return Job(
        stages=stages,
        fingerprints=fingerprints,
        order=composed.order,
        exporters=exporters,
        renderer=renderer,
        device=device.name,
        trajectory=trajectory,
        flight_frames=flight.frames,
        observers=composed.build_each("observers"),
        checkpoint_seconds=composed.plain("checkpoint_seconds"),
        home=_home(composed),
        folder=RunFolder(old.root, composed.order) if old else None,
        described=Described(
            composed.yaml(), composed.knobs(), composed.changed(), _facts(words, composed, device, inputs)
        ),
        copies=_cameras(composed),
        notes=[*_of_another_version(old), *_notes(composed, device, size, left_out)],
    )


def _without_nul(words: Sequence[str]) -> Sequence[str]:
    if odd := [word for word in words if "\0" in word]:
        raise UserError(f"{odd[0]!r} holds a NUL character; wanted none: no file name can hold one")
    return words


def job_of_run(folder: str | os.PathLike[str]) -> str:
    """The kind of job that a run folder belongs to; that of the main job for a folder that says nothing."""
    command = RunFolder(Path(os.path.expanduser(folder))).facts().get("command")
    return next((job for job, name in COMMANDS.items() if name == command), "single_img")


def _trajectory(composed: Composed, flight: FlightKnobs) -> Trajectory:
    """The camera path of the flight: the one that flight.trajectory names, at its defaults, or the run's own."""
    try:
        path = composed if flight.trajectory is None else compose([f"trajectory={flight.trajectory}"])
    except UserError as error:
        raise UserError(f"flight.trajectory: {error}") from error
    return extended(path.build("trajectory"), composed.plain("explore"))


def _resume(words: list[str], given: Mapping[str, object], job: str) -> tuple[list[str], RunFolder | None, list[str]]:
    """The overrides of the run named by resume=, each replaced by a new one of its name, and that run's folder.

    Third, what is left out of them: knobs of backends that the new words replace by others.
    """
    resuming = [w for w in words if name_of(w) == "resume" and w.partition("=")[2] != "null"]
    if not resuming:
        return words, None, []
    folder = RunFolder(Path(os.path.expanduser(unquoted(resuming[-1]))))
    folder.refuse_links()
    try:
        saved = saved_words(read_json(folder.run_json, finite=False)["overrides"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"resume={folder.root} is not a run folder; wanted one with a run.json: name the folder that a run printed "
            "first"
        ) from error
    if (command := folder.facts().get("command", "single-img")) != COMMANDS[job]:
        raise UserError(
            f"resume={folder.root} was written by vistadream {command}; wanted the folder of a {COMMANDS[job]}: give "
            "the same words to that command again, and it goes on"
        )
    left_out = of_the_replaced(saved, words, job)
    kept = {name_of(word): word for word in saved if word not in left_out}
    new = {name_of(word): word for word in words if word not in resuming}
    refuse_saved_interpolations([word for name, word in kept.items() if name not in new], folder.root)
    _refuse_without_objects(folder, {*given, *(name.removeprefix("backends/") for name in new)})
    merged = {name: word for name, word in kept.items() if name not in new} | new  # the new words come last
    return list(merged.values()), folder, left_out


def _refuse_without_objects(folder: RunFolder, named: set[str]) -> None:
    """UserError where the run used an object of a Python program, and neither it nor a backend is named now."""
    objects = folder.facts().get("objects")
    lacking = [str(role) for role in objects if str(role) not in named] if isinstance(objects, list) else []
    if lacking:
        raise UserError(
            f"resume={folder.root} used an object of a Python program for {', '.join(lacking)}; wanted the same: "
            f"resume it from Python with vistadream.job(resume=..., {lacking[0]}=...), or choose a backend with "
            f"backends/{lacking[0]}=NAME"
        )


def _home(composed: Composed) -> Path:
    """Where the new run folder is made: below out=, in a folder named after the source."""
    name = composed.build("source").name
    stem = re.sub(r"[^\w.-]+", "_", name).strip(".") or "image"  # neither . nor .., which are other folders
    return Path(os.path.expanduser(composed.plain("out"))) / stem


def _cameras(composed: Composed) -> list[Path]:
    """The file or folder of the run's camera path, which each export reads; none for a path by its name."""
    path = composed.knobs().get(CAMERA_PATH)
    return [] if path is None else [Path(os.path.expanduser(path))]


def _facts(words: Sequence[str], composed: Composed, device: Choice, inputs: Inputs) -> dict[str, Any]:
    """What run.json says of the job."""
    return {
        "command": COMMANDS[composed.job],
        "overrides": list(words),
        "seed": composed.plain("seed"),
        "device": {"name": device.name, "why": device.reason},
        "backends": {role: {"name": c.name, "why": c.reason} for role, c in composed.choices.items()},
        "objects": list(composed.given),
        "inputs": inputs.digests,
    }


def _absolute(word: str) -> str:
    """An input's path made absolute, so that the run can be resumed from anywhere."""
    knob, _, value = word.partition("=")
    knob = knob.lstrip("+")
    if knob not in INPUT_KNOBS or value in ("", "null"):
        return word
    if knob == SEVERAL:
        return f"{knob}={_absolute_items(unquoted(word))}"
    path = os.path.expanduser(unquoted(word))
    return f"{knob}={Path(path).absolute()}" if os.path.exists(path) else word


def _absolute_items(words: str) -> str:
    """Each path or pattern of a list made absolute."""
    return ",".join(str(Path(os.path.expanduser(item)).absolute()) for item in items(words))


def _of_another_version(old: RunFolder | None) -> list[tuple[str, Note]]:
    """Says that a resumed run was made by another version, whose stages are not taken over."""
    version = old.facts().get("vistadream", __version__) if old else __version__
    if version == __version__:
        return []
    words = f"this run folder was written by version {version}; version {__version__} computes its stages anew"
    return [("run/version", Note(words, "warning"))]


def _notes(composed: Composed, device: Choice, size: Choice | None, left_out: Sequence[str]) -> list[tuple[str, Note]]:
    chosen = {**composed.choices, "device": device} | ({} if size is None else {"max_resolution": size})
    notes = [(f"run/{role}", Note(f"{role}: {c.name} ({c.reason})")) for role, c in chosen.items()]
    if left_out:
        words = f"left out, as it belongs to what was replaced: {shlex.join(left_out)}"
        notes.insert(0, ("run/resume", Note(words)))
    return notes
