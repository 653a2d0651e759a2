"""One job from its words to its results, in a folder that is given: the same call begins it and goes on with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from vistadream.app import job_from_words
from vistadream.backends.weights.residence import is_full
from vistadream.config import changed_words
from vistadream.core import Cancelled, FullMemoryError, Note, Observer, UserError
from vistadream.exporters.made_later import MADE_LATER
from vistadream.runs.folder import RunFolder, write_errors
from vistadream.runs.listed import Listed
from vistadream.session import Job, Run, export_later, never, run
from vistadream.workers.queue import Outcome, Task

_OWN = ("observers=[events]",)
"""Nobody looks at the terminal of a worker: events.jsonl is how a job is watched."""
_FULL = ("can't allocate memory", "Insufficient memory")
"""Messages of torch and OpenCV when main memory is full."""
_SMALLER = (
    "wanted a job that fits: a smaller max_resolution, fewer stages.coarse.n_frames, or a machine with more memory"
)


def carry_out(
    kind: str,
    words: Sequence[str],
    folder: Path,
    observers: Sequence[Observer] = (),
    cancelled: Callable[[], bool] = never,
    notes: Sequence[tuple[str, Note]] = (),
) -> Run:
    """Runs a job in `folder`. What an earlier call there has finished with the same words is not computed again.

    `kind` names a file in conf/job/; `words` are all overrides, the input included. `observers` and `cancelled` are as
    for `session.run`; `notes` are what the observers get at the start. However a call ends, also by kill -9,
    another one leads to the same bytes.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    job = _job_in(folder, kind, words)
    return run(dataclasses.replace(job, notes=[*notes, *job.notes]), observers, cancelled)


def make_result(
    name: str, kind: str, words: Sequence[str], folder: Path, cancelled: Callable[[], bool] = never
) -> None:
    """Makes one of MADE_LATER of the finished run in `folder`, which has these words. UserError where it makes none."""
    if name in Listed.read(folder).by_name():  # a worker that was killed then had made it
        return
    export_later(_job_in(folder, kind, changed_words(words, MADE_LATER[name], kind)), cancelled)
    if name not in Listed.read(folder).by_name():
        raise UserError(f"this scene gives no {name}; wanted another result: its stage, or its kind of input, lacks it")


def _job_in(folder: Path, kind: str, words: Sequence[str]) -> Job:
    job = job_from_words([*words, *_OWN], job=kind)
    return dataclasses.replace(job, folder=RunFolder(folder, job.order))


def attempt(task: Task, cancelled: Callable[[], bool] = never) -> Outcome:
    """Carries out a task, and says how it ended. A task that was stopped is "interrupted".

    The folder of a task is nobody else's, whatever an earlier worker, perhaps on another host, has left in it.
    """
    (task.run / "run.lock").unlink(missing_ok=True)
    try:
        if task.result is None:
            carry_out(task.kind, task.words, task.run, cancelled=cancelled, notes=_notes(task))
        else:
            make_result(task.result, task.kind, task.words, task.run, cancelled)
    except FullMemoryError as error:
        return Outcome("full", str(error))
    except UserError as error:
        return Outcome("failed", str(error), errno_of(error))
    except Cancelled:
        return Outcome("interrupted")
    except Exception as error:
        if _is_full(error):
            return Outcome("full", f"the memory was full ({_said(error)}); {_SMALLER}")
        wanted = "wanted a report of this fault with the log of the job"
        return Outcome("broken", f"ended by an error of the program, {_said(error)}; {wanted}", errno_of(error))
    return Outcome("done")


def errno_of(error: BaseException | None) -> int | None:
    """The number of the system's error that an error is, or that caused it."""
    while error is not None and not (isinstance(error, OSError) and error.errno):
        error = error.__cause__
    return getattr(error, "errno", None)


def _notes(task: Task) -> list[tuple[str, Note]]:
    """What run.log and the events say of where the run comes from."""
    request = f", request {task.request_id}" if task.request_id else ""
    steps = [("run/memory", Note(step, "warning")) for step in task.memory_steps]
    return [("run/job", Note(f"job {task.id}{request}, attempt {task.attempt}")), *steps]


def _is_full(error: Exception) -> bool:
    """Whether an error says that main memory, or that of the GPU, is full."""
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and is_full(error)):
        return True
    return any(message in str(error) for message in _FULL)


def _said(error: Exception) -> str:
    name, words = type(error).__name__, " ".join(str(error).split())
    return f"{name}{f': {words}' if words else ''}"
