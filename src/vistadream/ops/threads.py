"""Work shares on Python threads: kernels run without the GIL, so no threading layer has to agree with torch's."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def in_shares(threads: int, work: Callable[[int], None]) -> None:
    """Runs work(0) ... work(threads - 1) at the same time, the first on the calling thread; raises what they raise."""
    others = [_pool(threads).submit(work, share) for share in range(1, threads)]
    work(0)
    for other in others:
        other.result()


def over_range(threads: int, size: int, work: Callable[[int, int], None]) -> None:
    """Runs work(first, last) over equal parts of range(size), one on each thread."""
    in_shares(threads, lambda share: work(size * share // threads, size * (share + 1) // threads))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="vistadream-kernel")


if hasattr(os, "register_at_fork"):  # a forked child inherits the pool, but none of its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
