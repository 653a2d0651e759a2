"""The item that a worker has: it gives signs of life from a thread, and learns there when it was taken over."""

from __future__ import annotations

import threading
import time
from typing import Any

from vistadream.batch.claim import Claim, memory_gb
from vistadream.batch.items import Item
from vistadream.batch.marks import why_to_stop
from vistadream.workers.progress import seconds_of_parts
from vistadream.workers.queue import Outcome


class Held:
    """An item with its claim, from the moment when it was taken."""

    def __init__(self, item: Item, claim: Claim, beat_s: float):
        self.item, self.claim, self._beat_s = item, claim, beat_s
        self._began_s = time.monotonic()
        self.ended, self.is_lost = threading.Event(), threading.Event()
        self.why_stopped: str | None = None
        threading.Thread(target=self._live, name="alive", daemon=True).start()

    def facts(self, outcome: Outcome) -> dict[str, Any]:
        """What the events say of the end of an attempt."""
        return {
            "state": outcome.state,
            "seconds": round(time.monotonic() - self._began_s, 3),
            "stages": seconds_of_parts(self.claim.run),
            "error": outcome.error,
            "memory_gb": round(memory_gb(), 3),
        }

    def _live(self) -> None:
        while not self.ended.wait(self._beat_s):
            if not self.claim.beat() and not self.claim.folder.exists():
                self.is_lost.set()
                return
            self.why_stopped = why_to_stop(self.claim.folder)
