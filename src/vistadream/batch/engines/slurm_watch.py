"""Looks after the tasks of a SLURM job. Only a final state is an end: no answer, or none yet, is not."""

from __future__ import annotations

import subprocess
from collections import Counter

from vistadream.batch.batch import Batch
from vistadream.batch.engines.slurm_task import job_of

_AT_WORK = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING")
_ENDED = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
)  # fmt: skip
"""A task that is put back into the queue has none of these states: SLURM changes to PENDING in one step."""
_FORGOTTEN = "Invalid job id"
"""What SLURM says of a job that ended some minutes ago."""
_LOOKS = 2
"""The first of them may come before the batch has seen the last item that the tasks have published."""


class NoAnswer(Exception):
    """SLURM did not say anything about a job."""


class Watch:
    """The tasks of a job, as a driver sees them."""

    def __init__(self, batch: Batch, job: str):
        self._batch, self._job = batch, job
        self._states: dict[str, str] = {}
        self._ended_looks = 0
        self._trouble = ""

    def look(self) -> None:
        """Lets go what dead tasks had."""
        workers = self._batch.queue.workers()  # first: whoever has a claim now, and runs no more afterwards, is dead
        numbers = {worker: number for worker in workers if (number := job_of(worker)) is not None}
        try:
            self._states = states_of(self._job)
            for number in set(numbers.values()) - self._states.keys():
                self._states |= states_of(number)  # of an array that an earlier start has submitted
        except NoAnswer as error:
            self._say(str(error))
            return
        self._say("")
        for worker, number in numbers.items():
            if self._states.get(number) not in _AT_WORK:
                self._batch.queue.worker_died(worker, None)
        self._ended_looks = 0 if set(self._states.values()) - set(_ENDED) else self._ended_looks + 1

    def have_ended(self) -> bool:
        """Whether no task goes on, or will."""
        return self._ended_looks >= _LOOKS

    def ends(self) -> str:
        """How many tasks ended in which way, in SLURM's words."""
        counts = Counter(self._states.values())
        return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "SLURM has forgotten it"

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._batch.say(f"SLURM does not answer ({trouble}): it is asked again")
        self._trouble = trouble


def states_of(job: str) -> dict[str, str]:
    """The states of the tasks of a job, by the number that each task has of its own. NoAnswer where SLURM gives none.

    One task of an array has the number of the array, by which SLURM lists all of them.
    """
    command = ["squeue", "--noheader", "--array", "--states=all", f"--jobs={job}", "--format=%A %T"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and _FORGOTTEN not in done.stderr:
        raise NoAnswer(" ".join(done.stderr.split()) or f"squeue ended with {done.returncode}")
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
