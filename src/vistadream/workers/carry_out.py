"""One job from its words to its results, in a folder that is given: the same call begins it and goes on with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from vistadream.app import job_from_words
from vistadream.core import Cancelled, Note, Observer, UserError
from vistadream.runs.folder import RunFolder, write_errors
from vistadream.session import Run, never, run
from vistadream.workers.queue import Outcome, Task

_OWN = ("observers=[events]",)
"""Nobody looks at the terminal of a worker: events.jsonl is how a job is watched."""


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
    job = job_from_words([*words, *_OWN], job=kind)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    job = dataclasses.replace(job, folder=RunFolder(folder, job.order), notes=[*notes, *job.notes])
    return run(job, observers, cancelled)


def attempt(task: Task, cancelled: Callable[[], bool] = never) -> Outcome:
    """Carries out a task, and says how it ended. A task that was stopped is "interrupted".

    The folder of a task is nobody else's, whatever an earlier worker, perhaps on another host, has left in it.
    """
    (task.run / "run.lock").unlink(missing_ok=True)
    try:
        carry_out(task.kind, task.words, task.run, cancelled=cancelled, notes=_notes(task))
    except UserError as error:
        return Outcome("failed", str(error))
    except Cancelled:
        return Outcome("interrupted")
    except MemoryError as error:
        return Outcome("broken", _on_error(error, "a smaller max_resolution or a machine with more memory"))
    except Exception as error:
        return Outcome("broken", _on_error(error, "a report of this fault with the log of the job"))
    return Outcome("done")


def _notes(task: Task) -> list[tuple[str, Note]]:
    """What run.log and the events say of where the run comes from."""
    request = f", request {task.request_id}" if task.request_id else ""
    return [("run/job", Note(f"job {task.id}{request}, attempt {task.attempt}"))]


def _on_error(error: Exception, wanted: str) -> str:
    name, words = type(error).__name__, " ".join(str(error).split())
    return f"ended by an error of the program, {name}{f': {words}' if words else ''}; wanted {wanted}"
