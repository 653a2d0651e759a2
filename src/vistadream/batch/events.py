"""What workers did, for figures: events/WORKER.jsonl, one line of JSON for each beginning and end. No truth is in it.

Every line has `event`, `at_s` (seconds since 1970 by the clock of its machine), `worker`, `node` and `device`.
started: a worker process, with `pid`. began: an item, with `id`, `attempt`, `size_px`, and where there was an attempt
before, `after`: how that one ended.
ended: with `id`, `attempt`, `state` of an outcome, `seconds` of the attempt, `stages` (seconds by part), `error`,
`memory_gb` of the worker. published: by whom, with `id` and `attempt`; given_up: with `reason` and `sentence`.
killed: a worker, with its `id`, `attempt` and `signal`, written by whoever noticed it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vistadream.batch.folder import BatchFolder


class Events:
    """Writes the lines of one worker."""

    def __init__(self, folder: BatchFolder, worker: str, node: str, device: str):
        self._file, self._who = folder.events_of(worker), {"worker": worker, "node": node, "device": device}

    def add(self, event: str, **facts: Any) -> None:
        """Adds a line. Nothing happens where it cannot be written, as on a full disk: work goes first."""
        line = json.dumps({"event": event, "at_s": round(time.time(), 3)} | self._who | facts) + "\n"
        try:
            self._file.parent.mkdir(exist_ok=True)
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line)
        except OSError:
            return


class EventReader:
    """Reads the lines of all workers, each once."""

    def __init__(self, folder: BatchFolder):
        self._folder = folder.events
        self._read_bytes: dict[Path, int] = {}

    def new(self) -> Iterator[dict[str, Any]]:
        """The lines that were added since the last call, file after file."""
        for file in sorted(self._folder.glob("*.jsonl")):
            start = self._read_bytes.get(file, 0)
            if file.stat().st_size > start:
                found, self._read_bytes[file] = events_from(file, start)
                yield from found


def events_from(file: Path, start_byte: int) -> tuple[Iterator[dict[str, Any]], int]:
    """The whole lines of a file from a place on, and the place after them."""
    with file.open("rb") as stream:
        stream.seek(start_byte)
        data = stream.read()
    whole = data[: data.rfind(b"\n") + 1]
    return _events_in(whole), start_byte + len(whole)


def _events_in(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # a worker was killed in the middle, and its heir wrote on
            continue
        if isinstance(event, dict) and "event" in event and isinstance(event.get("at_s"), int | float):
            yield event
