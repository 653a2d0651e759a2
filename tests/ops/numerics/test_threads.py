"""Shares of work on threads."""

import multiprocessing
import threading

import pytest

from vistadream.ops.numerics.threads import in_shares, over_range, share_count


@pytest.mark.parametrize(("threads", "size"), [(1, 5), (3, 10), (4, 3), (2, 0)])
def test_a_range_is_covered_once(threads, size):
    seen = []
    over_range(threads, size, lambda first, last: seen.extend(range(first, last)))
    assert sorted(seen) == list(range(size))


def test_each_share_runs_once():
    seen = []
    in_shares(3, seen.append)
    assert sorted(seen) == list(range(share_count(3)))


def test_as_many_shares_as_threads_run_at_the_same_time():
    meeting = threading.Barrier(3, timeout=10)
    in_shares(3, lambda share: meeting.wait() if share < 3 else None)


def test_a_failing_share_is_heard():
    def fail(share):
        if share == 1:
            raise ArithmeticError("share 1")

    with pytest.raises(ArithmeticError, match="share 1"):
        in_shares(2, fail)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_a_forked_child_has_threads_of_its_own():
    in_shares(2, lambda share: None)
    child = multiprocessing.get_context("fork").Process(target=in_shares, args=(2, lambda share: None))
    child.start()
    child.join(10)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0
