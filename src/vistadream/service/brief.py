"""Answers that are kept for a short time, so that many requests with one question cost one look at the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
_MOST = 1_000
"""With answers to this many questions all are forgotten."""


class Answer(NamedTuple, Generic[T]):
    """What was answered, and until when that counts."""

    value: T
    ends_s: float


class Brief(Generic[T]):
    """A function whose answers are kept for `keep_s`. Safe in threads; one of them asks at a time."""

    def __init__(self, ask: Callable[..., T], keep_s: float, clock: Callable[[], float] = time.monotonic):
        self._ask, self.keep_s, self._clock = ask, keep_s, clock
        self._answers: dict[Hashable, Answer[T]] = {}
        self._lock = threading.Lock()

    def __call__(self, *question: Hashable) -> T:
        """The answer, from a short time ago or from now."""
        if kept := self.kept(*question):
            return kept.value
        with self._lock:
            kept = self.kept(*question)
            return kept.value if kept else self._asked(question)

    def kept(self, *question: Hashable) -> Answer[T] | None:
        """The answer that is there without asking."""
        answer = self._answers.get(question)
        return answer if answer and self._clock() < answer.ends_s else None

    def forget(self) -> None:
        """Has every question be asked anew. The answer to one that is being asked now is not kept."""
        self._answers = {}

    def _asked(self, question: tuple[Hashable, ...]) -> T:
        answers, now_s = self._answers, self._clock()
        value = self._ask(*question)
        if len(answers) >= _MOST:
            answers.clear()
        answers[question] = Answer(value, now_s + self.keep_s)  # lost if `forget` has replaced the answers meanwhile
        return value
