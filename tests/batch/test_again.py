"""What is done again and again ends with its block, also where that fails."""

import threading

import pytest

from vistadream.batch.again import again


def test_it_is_called_until_the_block_ends_however_it_ends() -> None:
    twice, calls = threading.Semaphore(0), list[None]()

    def act() -> None:
        calls.append(None)
        twice.release()

    def fail_later() -> None:
        with again(act, 0.001, "again"):
            assert twice.acquire(timeout=30)
            assert twice.acquire(timeout=30)
            raise KeyError

    with pytest.raises(KeyError):
        fail_later()
    assert "again" not in {thread.name for thread in threading.enumerate()}
    assert len(calls) >= 2


def test_the_next_pause_is_as_long_as_it_says() -> None:
    once, calls = threading.Event(), list[None]()

    def act() -> float:
        calls.append(None)
        once.set()
        return 1e6

    with again(act, 0.001, "again"):
        assert once.wait(30)
    assert len(calls) == 1
