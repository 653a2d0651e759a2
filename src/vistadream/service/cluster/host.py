"""What an actor of a Ray cluster does for the service: it keeps a worker process alive, as a server on one box does."""

from __future__ import annotations

from vistadream.service.cluster.setting import Setting
from vistadream.service.parts import workers_of
from vistadream.workers.slots import Slot


class Host:
    """The worker of one place. Its process ends with this one, whatever ends that."""

    def __init__(self, setting: Setting, name: str, threads: int):
        """Ray has set which GPU this process sees; kernels get `threads` threads."""
        setting.enter()
        self._pool = workers_of(setting.knobs, [Slot(name, {"OMP_NUM_THREADS": str(threads)})])
        self._pool.start()

    def is_at_work(self) -> bool:
        """Whether the worker is alive. The first answer says that all is well here."""
        return self._pool.is_at_work()

    def drain(self) -> None:
        """The worker ends after its job."""
        self._pool.drain()

    def stop(self, drain_s: float) -> None:
        """Gives the job under way so long to end, then interrupts it: it goes on at the next start."""
        self._pool.stop(drain_s)
