"""A queue of one task in a folder, for tests of processes that work on it; `python a_queue.py FOLDER WHAT` works.

WHAT is what a task does: it sleeps in Python (sleep), in small steps that look whether they are cancelled (steps),
without ever letting other threads run (hang), or ends at once (end).
"""

import sys
import time
from collections.abc import Callable
from ctypes import PyDLL
from pathlib import Path

from vistadream.core import Cancelled
from vistadream.workers.queue import Outcome, Task


class OneTask:
    """Gives its one task to whoever comes, as long as there is no file `outcome`."""

    def __init__(self, folder: Path):
        self.folder = folder

    def take(self, worker: str, fresh: bool) -> Task | None:
        if (self.folder / "outcome").exists() or not (self.folder / "task").exists():
            return None
        (self.folder / "worker").write_text(worker)
        return Task("x", 1, "single_img", (), self.folder / "run")

    def wants_fresh(self) -> bool:
        return (self.folder / "fresh").exists()

    def settle(self, task: Task, outcome: Outcome) -> None:
        with (self.folder / "outcome").open("a") as stream:
            stream.write(f"{outcome.state} ")

    leave = settle

    def is_cancelled(self, task: Task) -> bool:
        return (self.folder / "cancel").exists()

    def cancelled_workers(self) -> set[str]:
        return {(self.folder / "worker").read_text()} if (self.folder / "cancel").exists() else set()

    def worker_died(self, worker: str, signal: int | None) -> None:
        with (self.folder / "died").open("a") as stream:
            stream.write(f"{worker} {signal}\n")


def act(what: str) -> Callable[[Task, Callable[[], bool]], Outcome]:
    def sleep(task: Task, cancelled: Callable[[], bool]) -> Outcome:
        (task.run.parent / "began").touch()
        try:
            if what == "hang":
                PyDLL(None).sleep(60)  # keeps Python's lock, so that no other thread gets on
            for _ in range(6000):
                time.sleep(0.01 if what == "steps" else 60 if what == "sleep" else 0)
                if what == "steps" and cancelled():
                    return Outcome("interrupted")
        except Cancelled:
            return Outcome("interrupted")
        return Outcome("done")

    return sleep


if __name__ == "__main__":
    from vistadream.workers import process

    words = dict(word.split("=") for word in sys.argv[3:])
    process.attempt = act(sys.argv[2])
    limits = process.Limits(jobs=int(words.get("jobs", 1000)), rss_gb=100, idle_unload_s=1000)
    process.work(OneTask(Path(sys.argv[1])), words.get("name", "alone"), limits, int(words.get("parent", -1)))
