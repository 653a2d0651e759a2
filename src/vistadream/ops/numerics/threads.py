"""Distribution of work over Python threads. Kernels run without the GIL, so numba needs no threading layer."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def share_count(threads: int) -> int:
    """The number of shares into which work is split for `threads` threads: several per thread, for load balance."""
    return 1 if threads == 1 else 4 * threads


def in_shares(threads: int, work: Callable[[int], None]) -> None:
    """Runs work(0) to work(share_count(threads) - 1) on `threads` threads, one of which is the calling thread.

    A thread takes the next share when it finishes one. Raises what `work` raises.
    """
    todo = iter(range(share_count(threads)))  # next() is atomic under the GIL

    def take_turns() -> None:
        for share in todo:
            work(share)

    others = [_pool(threads).submit(take_turns) for _ in range(1, threads)]
    take_turns()
    for other in others:
        if not other.cancel():  # a thread that did not start has nothing left to do
            other.result()


def over_range(threads: int, size: int, work: Callable[[int, int], None]) -> None:
    """Runs work(first, last) over equal parts of range(size), as `in_shares` does."""
    shares = share_count(threads)
    in_shares(threads, lambda share: work(size * share // shares, size * (share + 1) // shares))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="vistadream-kernel")


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but not its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
