"""Engines: each answers one question, who works on which item now, and can be killed at any moment."""

from __future__ import annotations

from typing import Protocol

from vistadream.batch.batch import Batch
from vistadream.batch.knobs import Knobs
from vistadream.batch.storage import Storage


class Engine(Protocol):
    """Has the items of a batch worked on."""

    def run(self, batch: Batch, storage: Storage, knobs: Knobs) -> None:
        """Returns when nothing is left, or when somebody asked for the end and nobody works any more."""
