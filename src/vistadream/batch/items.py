"""What there is to do: an item is a picture by its content, with the words of its run."""

from __future__ import annotations

import json
from dataclasses import dataclass

DIGEST_DIGITS = 16
KNOB_DIGITS = 8


@dataclass(frozen=True)
class Item:
    """One picture with one combination of knobs. The same picture under two names is one item."""

    id: str
    """16 hex digits of the picture's sha256, "-", 8 hex digits of that of the knobs with version and weights."""
    names: tuple[str, ...]
    """Where the picture is: a path, or ARCHIVE!MEMBER."""
    words: tuple[str, ...]
    """All overrides of the run but the picture."""
    size_px: int | None = None
    """Width times height; None where the picture's head cannot be read."""
    label: str | None = None
    """What a manifest calls it."""

    @property
    def digest(self) -> str:
        """The first digits of the sha256 of the picture's bytes."""
        return self.id[:DIGEST_DIGITS]

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps([self.id, self.names, self.words, self.size_px, self.label], ensure_ascii=False) + "\n"

    @staticmethod
    def of_line(line: str) -> Item:
        """The item of such a line. ValueError for another line."""
        id, names, words, size_px, label = json.loads(line)
        return Item(id, tuple(names), tuple(words), size_px, label)


def id_of(digest: str, knobs_key: str) -> str:
    """The id of a picture by its sha256 with the knobs of that key."""
    return f"{digest[:DIGEST_DIGITS]}-{knobs_key[:KNOB_DIGITS]}"
