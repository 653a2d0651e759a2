"""engine=slurm: an array of tasks, each of which takes items as long as it may run. It goes on without the driver."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from vistadream.batch.batch import Batch
from vistadream.batch.engine_knobs import SlurmKnobs
from vistadream.batch.engines.slurm_task import SlurmTask
from vistadream.batch.engines.slurm_watch import Watch
from vistadream.batch.knobs import Knobs
from vistadream.batch.storage import Storage
from vistadream.core import UserError

_SIGNAL = "USR1"
"""What SLURM sends to a task before its time is up."""
_EVERY_S = 5.0
_ENDLESS = 1_000_000
"""Times that a task may be put back into the queue: it ends when nothing is left."""


class SlurmEngine:
    """Hands an array to SLURM and looks after it: what dead tasks had goes to others."""

    def run(self, batch: Batch, storage: Storage, knobs: Knobs) -> None:
        if not batch.has_begun():
            return
        folder = batch.folder.root / "slurm"
        drain = folder / "drain"
        drain.unlink(missing_ok=True)
        job = submit(SlurmTask(batch.remote_words(knobs), str(drain)), folder, knobs.slurm)
        batch.say(f"SLURM has taken job {job}; it goes on without this command, and scancel {job} ends it")
        watch, next_s = Watch(batch, job), 0.0
        while not (batch.is_over() or batch.is_stopped or watch.have_ended()):
            batch.look()
            if batch.is_draining:
                drain.touch()
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + _EVERY_S
                watch.look()
        if batch.is_stopped:
            subprocess.run(["scancel", job], check=False)
        elif batch.is_over():  # a task that waits would find nothing to do
            subprocess.run(["scancel", "--state=PENDING", job], check=False)
        elif not batch.is_draining:
            raise UserError(
                f"all tasks of SLURM job {job} have ended ({watch.ends()}), and items are left; wanted tasks that go "
                f"on: the files in {folder} say what ended them, and the same command goes on"
            )


def submit(task: SlurmTask, folder: Path, knobs: SlurmKnobs) -> str:
    """Gives SLURM an array of equal tasks, and returns its number. UserError where that cannot be."""
    os.environ["SUBMITIT_PREEMPT_SIGNAL"] = _SIGNAL  # read when submitit is imported, here and in the task
    try:
        import submitit
    except ImportError as error:
        raise UserError(
            "engine=slurm needs submitit, which is not here; wanted it: pip install 'vistadream[slurm]'"
        ) from error
    try:
        executor = submitit.AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=_ENDLESS)
        executor.update_parameters(**parameters(knobs))
        with executor.batch():
            jobs = [executor.submit(task) for _ in range(knobs.tasks)]
    except (RuntimeError, submitit.core.utils.FailedJobError) as error:
        raise UserError(
            f"SLURM did not take the tasks ({_said(error)}); wanted a login node where sbatch works, and a partition "
            "and resources that sinfo lists"
        ) from error
    return str(jobs[0].job_id).partition("_")[0]


def parameters(knobs: SlurmKnobs) -> dict[str, Any]:
    """What submitit gets; what is null is left to the site."""
    own = {
        "slurm_job_name": "vistadream",
        "slurm_partition": knobs.partition,
        "slurm_gres": knobs.gres,
        "timeout_min": knobs.time_min,
        "cpus_per_task": knobs.cpus_per_task,
        "mem_gb": knobs.mem_gb,
        "slurm_array_parallelism": knobs.array_parallelism,
        "slurm_signal_delay_s": knobs.signal_s,
    }
    flags = {name: value if equals else True for name, equals, value in (each.partition("=") for each in knobs.flags)}
    return {name: value for name, value in own.items() if value is not None} | {"slurm_additional_parameters": flags}


def _said(error: Exception) -> str:
    """The line of an error that says most: that of sbatch, if there is one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("sbatch: error: ")), lines[-1] if lines else "no reason")
