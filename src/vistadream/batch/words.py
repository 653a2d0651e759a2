"""The words of `vistadream batch`: its own knobs, and those of the runs."""

from __future__ import annotations

from collections.abc import Sequence

from vistadream.batch.knobs import Knobs
from vistadream.batch.remote import absolute, is_url
from vistadream.config import name_of
from vistadream.config.own_file import own_knobs, own_names
from vistadream.config.words import quoted

NAME = "batch"
"""The file in conf/."""


def knobs_of(words: Sequence[str]) -> tuple[Knobs, list[str]]:
    """The knobs of the batch, and the words that are left for its runs. UserError names a wrong one."""
    own, others = split(words)
    return own_knobs(NAME, Knobs, own), others


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Words about the batch itself, and words about its runs."""
    known = own_names(Knobs)
    own = [word for word in words if name_of(word) in known or name_of(word).startswith(f"{NAME}.")]
    return own, [word for word in words if word not in own]


def elsewhere(words: Sequence[str], knobs: Knobs) -> list[str]:
    """The words about the batch for a process on another machine, where another folder is the current one."""
    kept = [word for word in split(words)[0] if name_of(word) not in ("images", "out")]
    out = knobs.out if is_url(knobs.out) else str(knobs.folder)
    images = absolute(knobs.images or "")
    return [*kept, f"images={quoted(images)}", f"out={quoted(out)}"]
