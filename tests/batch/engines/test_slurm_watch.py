"""What SLURM says of tasks, and what follows for their workers: on a real SLURM."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from batch_sites import Site, free_port, until

from vistadream.batch.engines.slurm_watch import NoAnswer, Watch, states_of


class Driver:
    """In the place of a batch: the workers that have items, and what was made of it."""

    def __init__(self, *workers: str):
        self.lines: list[str] = []
        self.dead: list[str] = []
        self.queue = SimpleNamespace(workers=lambda: set(workers), worker_died=lambda name, _: self.dead.append(name))
        self.say = self.lines.append


def submitted(site: Site, *words: str) -> str:
    return site.ask("sbatch", "--parsable", "--output=/dev/null", *words)


def test_a_state_is_final_only_until_the_task_is_put_back(site: Site) -> None:
    job = submitted(site, "--wrap=false")
    until(lambda: states_of(job) == {job: "FAILED"})
    watch = Watch(Driver(), job)
    watch.look()
    assert not watch.have_ended(), "the batch is looked at once more"
    watch.look()
    assert watch.have_ended()
    assert watch.ends() == "1 FAILED"
    site.ask("scontrol", "requeue", job)
    watch.look()
    assert states_of(job)[job] in ("PENDING", "RUNNING")
    assert not watch.have_ended()


def test_what_dead_tasks_had_goes_to_others(site: Site) -> None:
    running, pending = submitted(site, "--wrap=sleep 60"), submitted(site, "--begin=now+1hour", "--wrap=true")
    until(lambda: states_of(running) == {running: "RUNNING"})
    driver = Driver(f"slurm-{running}-cpu0-a", f"slurm-{pending}-cpu0-b", "slurm-99999-cpu0-c", "cpu0-d")
    Watch(driver, running).look()
    assert sorted(driver.dead) == sorted([f"slurm-{pending}-cpu0-b", "slurm-99999-cpu0-c"])


def test_a_job_that_slurm_does_not_know_has_ended(site: Site) -> None:
    watch = Watch(Driver(), "99999")
    watch.look()
    watch.look()
    assert watch.have_ended()
    assert watch.ends() == "SLURM has forgotten it"


def test_no_answer_is_not_an_end(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = f"SlurmctldPort={free_port()}\nSlurmctldTimeout=1\nMessageTimeout=1\n"
    lines = (site.top / "slurm.conf").read_text().splitlines(keepends=True)
    away = "".join(port if line.startswith("SlurmctldPort") else line for line in lines)
    (tmp_path / "slurm.conf").write_text(away)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    with pytest.raises(NoAnswer, match="Unable to contact"):
        states_of("1")
    watch = Watch(driver := Driver("slurm-1-cpu0-a"), "1")
    for _ in range(3):
        watch.look()
    assert not watch.have_ended()
    assert not driver.dead
    assert ["SLURM does not answer" in line for line in driver.lines] == [True]
