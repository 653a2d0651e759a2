"""Items that are given up: after which attempts, and with what sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vistadream.batch.folder import BatchFolder
from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json

Reason = Literal["bad", "failed", "deadly", "slow"]
_LESS = "wanted an item that fits the memory: try a smaller max_resolution, or a machine with more memory"


@dataclass(frozen=True)
class Attempt:
    """How one attempt at an item ended, a line of the history in its work folder."""

    number: int
    worker: str
    node: str
    device: str
    state: str
    """failed, broken, full, killed, slow, or interrupted, which does not count."""
    error: str | None = None
    signal: int | None = None
    """That killed the worker, if it is known."""
    stages: int = 0
    """The finished stages at its end."""
    part: str | None = None
    """The stage that was under way."""
    memory_gb: float | None = None
    """Of the worker when it last said so."""
    at_s: float | None = None
    """The last sign of life, in seconds since 1970."""


@dataclass(frozen=True)
class Patience:
    """How many attempts an item gets."""

    errors: int = 3
    deaths: int = 3
    slow: int = 2


@dataclass(frozen=True)
class Verdict:
    """Why an item is given up."""

    reason: Reason
    """bad: a UserError, which no other attempt would change."""
    sentence: str


def verdict(history: Sequence[Attempt], patience: Patience) -> Verdict | None:
    """Whether the attempts so far are enough to give an item up; None: another one follows."""
    last = history[-1]
    errors = [each for each in history if each.state in ("broken", "full")]
    if last.state == "failed":
        return Verdict("bad", last.error or "it failed without a sentence")
    if last.state == "killed" and (deaths := _deaths(history)) >= patience.deaths:
        return Verdict(
            "deadly", f"its worker was killed {deaths} times{_how(last)}: most likely out of memory; {_LESS}"
        )
    if last.state == "slow" and sum(each.state == "slow" for each in history) >= patience.slow:
        return Verdict("slow", last.error or "it took too long")
    if last in errors and len(errors) >= patience.errors:
        return Verdict("failed", f"{len(errors)} attempts failed, the last one: {last.error}")
    return None


def _deaths(history: Sequence[Attempt]) -> int:
    """The deaths since an attempt last finished a stage that those before it had not."""
    count, furthest = 0, 0
    for each in history:
        if each.stages > furthest:
            count, furthest = 0, each.stages
        count += each.state == "killed"
    return count


def _how(last: Attempt) -> str:
    signal = "" if last.signal is None else f", last by signal {last.signal}"
    memory = "" if last.memory_gb is None else f" with {last.memory_gb:.1f} GB of memory"
    return f"{signal}{f' in {last.part}' if last.part else ''}{memory}"


class Quarantine:
    """The items of a batch that were given up."""

    def __init__(self, folder: BatchFolder):
        self._folder = folder

    def put(self, id: str, names: Sequence[str], why: Verdict, history: Sequence[Attempt], log_tail: str) -> None:
        """Gives an item up. The file appears whole, or not at all."""
        about = {"id": id, "names": list(names), "reason": why.reason, "sentence": why.sentence}
        attempts = [{key: value for key, value in asdict(each).items() if value is not None} for each in history]
        with new_file(self._folder.quarantined(id)) as draft:
            write_json(draft, {**about, "attempts": attempts, "log": log_tail})

    def holds(self, id: str) -> bool:
        return self._folder.quarantined(id).exists()

    def read(self, id: str) -> dict[str, Any]:
        """What is known of an item that was given up. OSError or ValueError where there is nothing whole."""
        return read_json(self._folder.quarantined(id))

    def release(self, id: str) -> None:
        """Has the item tried again at the next start."""
        self._folder.quarantined(id).unlink(missing_ok=True)
