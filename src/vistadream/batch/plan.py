"""The plan of a start: the items that are left, one line each, written while workers already read it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from vistadream.batch.items import Item

_FLUSH_S = 0.5
"""Workers see a new item after this long at most while others follow."""


@dataclass(frozen=True)
class Counted:
    """What the listing found; the last line of a plan."""

    items: int = 0
    done: int = 0
    """Items that were published before this start."""
    given_up: int = 0
    """Items in quarantine."""


class PlanWriter:
    """Writes a new plan in the place of an earlier one, whose readers keep what they have."""

    def __init__(self, file: Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        self._stream, self._flushed_s = draft.open("w", encoding="utf-8"), 0.0
        os.replace(draft, file)

    def add(self, item: Item) -> None:
        self._stream.write(item.line())
        if (now_s := time.monotonic()) - self._flushed_s > _FLUSH_S:
            self._stream.flush()
            self._flushed_s = now_s

    def end(self, counted: Counted) -> None:
        """Nothing more follows."""
        self._stream.write(json.dumps({"end": asdict(counted)}) + "\n")
        self._stream.close()


class PlanReader:
    """Reads the items of a plan that grows."""

    def __init__(self, file: Path):
        self._file = file
        self._stream: TextIO | None = None
        self._rest = ""
        self.counted: Counted | None = None
        """Once the plan is at its end."""

    def next(self) -> Item | None:
        """The next item; None when no more are written yet, or at the end."""
        self._stream = self._stream or _opened(self._file)
        if self._stream is None or self.counted is not None:
            return None
        line = self._rest + self._stream.readline()
        self._rest = "" if line.endswith("\n") else line
        if self._rest or not line:
            return None
        if line.startswith("{"):
            self.counted = Counted(**json.loads(line)["end"])
            return None
        return Item.of_line(line)


def _opened(file: Path) -> TextIO | None:
    try:
        return file.open(encoding="utf-8")
    except FileNotFoundError:
        return None
