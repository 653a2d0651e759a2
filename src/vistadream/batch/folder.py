"""All paths of a batch. Nothing else knows them, and nothing here reads or writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class BatchFolder:
    """The folder of one batch, OUT: what there is to do, who works on what, and what is done."""

    root: Path

    @property
    def batch_json(self) -> Path:
        """Words, versions, engine and time of each start with other knobs."""
        return self.root / "batch.json"

    @property
    def plan(self) -> Path:
        """The items that the newest start has left to do, a line of JSON for each."""
        return self.root / "plan.jsonl"

    @property
    def digests(self) -> Path:
        """A cache: the digests of pictures by path, size and time of change."""
        return self.root / "digests.bin"

    @property
    def driver(self) -> Path:
        """Locked by the one driver that lists the items."""
        return self.root / "driver.lock"

    def unpacked(self, digest: str, name: str) -> Path:
        """A picture of an archive, until the batch ends."""
        return self.root / "inputs" / f"{digest}{PurePosixPath(name).suffix.lower()}"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def items(self) -> Path:
        return self.root / "items"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def events(self) -> Path:
        return self.root / "events"

    @property
    def index(self) -> Path:
        """A cache of what is done, for status and report."""
        return self.root / "index.sqlite"

    @property
    def report_html(self) -> Path:
        return self.root / "report.html"

    @property
    def report_json(self) -> Path:
        return self.root / "report.json"

    def attempt(self, id: str, number: int) -> Path:
        """The folder of an attempt at an item; it exists only while the item is neither published nor given up."""
        return self.work / f"{id}.{number}"

    def item(self, id: str) -> Path:
        """The folder of a published item on a disk."""
        return self.root / item_key(id)

    def quarantined(self, id: str) -> Path:
        return self.quarantine / f"{id}.json"

    def events_of(self, worker: str) -> Path:
        return self.events / f"{worker}.jsonl"


def item_key(id: str) -> str:
    """The place of a published item below the root of a storage."""
    return f"items/{id[:2]}/{id}"


def marker_key(id: str) -> str:
    """The file whose presence says that an item is published, with all its other files."""
    return f"{item_key(id)}/item.json"
