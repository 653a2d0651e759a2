"""A batch over a real SLURM: tasks that are put back into the queue, killed workers, and what SLURM does not take."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from batch_engines import TASKS, holds, slurm_under_kills
from batch_sites import Drive, Site

from vistadream.batch.engine_knobs import SlurmKnobs
from vistadream.batch.engines.slurm import parameters, submit
from vistadream.batch.engines.slurm_task import SlurmTask
from vistadream.core import UserError


def knobs(**given: object) -> SlurmKnobs:
    plain = {"partition": None, "gres": None, "time_min": 60, "tasks": 1, "array_parallelism": 4, "flags": []}
    return SlurmKnobs(**{**plain, "cpus_per_task": None, "mem_gb": None, "signal_s": 90, **given})  # type: ignore[arg-type]


def test_what_is_null_is_left_to_the_site() -> None:
    given = parameters(knobs(gres="gpu:1", flags=["qos=low", "exclusive"]))
    assert given["slurm_gres"] == "gpu:1"
    assert given["slurm_additional_parameters"] == {"qos": "low", "exclusive": True}
    assert not {"slurm_partition", "cpus_per_task", "mem_gb"} & given.keys()


def test_flags_are_of_one_line() -> None:
    with pytest.raises(ValueError, match="line break"):
        knobs(flags=["comment=a\n#SBATCH --exclusive"])


def test_a_killed_worker_a_requeued_and_a_cancelled_task_lose_nothing(drive: Callable[..., Drive], site: Site) -> None:
    found = slurm_under_kills(batch := drive(6, *TASKS, **site.environment), site)
    assert holds(found), (found, batch.logs() + site.logs())
    assert found["restarts"]


def test_a_task_whose_time_is_nearly_up_goes_on_later(drive: Callable[..., Drive], site: Site) -> None:
    batch = drive(3, "engine=slurm", "slurm.time_min=30", **site.environment)
    batch.start()
    batch.until(batch.workers)
    (job,) = site.tasks()
    site.ask("scancel", "--signal=USR1", job)  # as SLURM does before the time is up
    batch.until(lambda: not batch.workers())
    site.begin_at_once(job)
    assert batch.wait() == 0, batch.logs() + site.logs()
    assert len(batch.published()) == 3


def test_pictures_behind_a_url_are_fetched_by_the_tasks(
    drive: Callable[..., Drive], site: Site, uploaded: Callable[[Drive], str]
) -> None:
    batch = drive(2, "engine=slurm", "slurm.time_min=30", **site.environment)
    batch.start(uploaded(batch))
    assert batch.wait() == 0, batch.logs() + site.logs()
    assert batch.names() == {"0.png", "1.png"}


def test_tasks_that_end_before_the_work_are_named_by_their_state(drive: Callable[..., Drive], site: Site) -> None:
    batch = drive(3, "engine=slurm", "slurm.time_min=30", **site.environment)
    batch.start()
    batch.until(batch.workers)
    site.clear()
    assert batch.wait() == 2
    assert "have ended (1 CANCELLED), and items are left; wanted" in batch.said(), batch.logs()


def test_without_submitit_the_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"needs submitit.*pip install 'vistadream\[slurm\]'"):
        submit(SlurmTask((), str(tmp_path / "drain")), tmp_path, knobs())


@pytest.mark.parametrize("wrong", [{"partition": "none"}, {"gres": "tpu:1"}])
def test_what_the_site_does_not_have_is_one_sentence(tmp_path: Path, site: Site, wrong: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"SLURM did not take the tasks .*; wanted a login node where sbatch works"):
        submit(SlurmTask((), str(tmp_path / "drain")), tmp_path, knobs(**wrong))
    assert not site.ask("squeue", "-h")


def test_without_slurm_it_is_one_sentence(drive: Callable[..., Drive]) -> None:
    batch = drive(1, "engine=slurm", PATH="")
    batch.start()
    assert batch.wait() == 2
    assert "wanted" in batch.said()
    assert "Traceback" not in batch.said()
