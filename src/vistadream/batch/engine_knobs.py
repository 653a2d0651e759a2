"""The knobs of an engine; conf/batch.yaml says what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core.knobs import ABOVE_0, FROM_1, check_ranges, require


@dataclass(frozen=True)
class SlurmKnobs:
    """The group `slurm`. ValueError for a value out of its range."""

    partition: str | None
    gres: str | None
    time_min: int
    tasks: int
    array_parallelism: int
    cpus_per_task: int | None
    mem_gb: float | None
    signal_s: int
    flags: list[str]

    def __post_init__(self) -> None:
        check_ranges(self, time_min=FROM_1, tasks=FROM_1, array_parallelism=FROM_1, cpus_per_task=FROM_1)
        check_ranges(self, mem_gb=ABOVE_0, signal_s=FROM_1)
        one_line = not any("\n" in word for word in (self.partition or "", self.gres or "", *self.flags))
        require(self, "flags", one_line, "words without line breaks, each a flag of sbatch, such as exclusive")
