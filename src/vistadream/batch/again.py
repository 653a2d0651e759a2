"""Something that is done again and again in a thread, while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def again(act: Callable[[], float | None], pause_s: float, name: str) -> Iterator[None]:
    """Calls `act` after each pause while the block runs, and ends with it.

    `act` returns how long the next pause is, in seconds; None: as long as the first.
    """
    ended = threading.Event()

    def repeat() -> None:
        next_s: float | None = None
        while not ended.wait(pause_s if next_s is None else next_s):
            next_s = act()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
