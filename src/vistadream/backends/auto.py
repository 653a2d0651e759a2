"""What `auto` means for each role: the best backend that can run here, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = ("depth", "outpaint", "render", "caption")


@dataclass(frozen=True)
class Choice:
    """A backend and why it was taken."""

    name: str
    reason: str


def choose(role: str) -> Choice:
    """The backend of a role for this machine. Only embedded ones exist so far, and they run everywhere."""
    return {
        "depth": Choice("embedded", "approximate, needs no download"),
        "outpaint": Choice("embedded", "needs no download"),
        "render": Choice("cpu", "runs on any machine"),
        "caption": Choice("fixed", "the embedded outpainter reads no prompt"),
    }[role]
