"""Work shares on Python threads: kernels run without the GIL, so no threading layer has to agree with torch's."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def share_count(threads: int) -> int:
    """Into how many shares to cut work for so many threads: several each, lest one that is held up hold up all."""
    return 1 if threads == 1 else 4 * threads


def in_shares(threads: int, work: Callable[[int], None]) -> None:
    """Runs work(0) ... work(share_count(threads) - 1), at most `threads` at a time, the caller's own among them.

    A thread takes the next share when it is done with one. Raises what `work` raises.
    """
    todo = iter(range(share_count(threads)))  # its next() is one step under the GIL

    def take_turns() -> None:
        for share in todo:
            work(share)

    others = [_pool(threads).submit(take_turns) for _ in range(1, threads)]
    take_turns()
    for other in others:
        if not other.cancel():  # it may not even have started
            other.result()


def over_range(threads: int, size: int, work: Callable[[int, int], None]) -> None:
    """Runs work(first, last) over equal parts of range(size), as `in_shares` does."""
    shares = share_count(threads)
    in_shares(threads, lambda share: work(size * share // shares, size * (share + 1) // shares))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="vistadream-kernel")


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but none of its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
