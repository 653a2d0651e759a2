"""What the index knows of a cached result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Entry:
    """A result in the cache."""

    key: str
    """Identifies all that decides the result, and its owner unless the cache is shared."""
    job: str
    """The job that was run for it."""
    folder: str
    """The folder of that job, which texts of its run name."""
    input_name: str
    bytes: int
    used_s: float
    """When it was last kept or taken, in seconds since 1970."""

    def to_json(self) -> str:
        """The entry as text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str | bytes) -> Entry | None:
        """An entry from text of another program; None for anything that is none."""
        try:
            found = json.loads(text)
            values = {each.name: found[each.name] for each in fields(Entry)}
        except (ValueError, TypeError, KeyError):
            return None
        whole = all(isinstance(values[name], str) for name in ("key", "job", "folder", "input_name"))
        whole = whole and isinstance(values["bytes"], int) and isinstance(values["used_s"], int | float)
        return Entry(**values) if whole else None
