"""One timeline of steps for a whole run."""

from __future__ import annotations


class Steps:
    """Counts the steps of a run: every stage adds one, and the steps of each fit follow those of the previous fit."""

    def __init__(self) -> None:
        self.stage = "run"
        """The first part of the name of the last event."""
        self.now = 0
        """The last step of the run."""
        self._fit, self._begun = "", 0

    def take(self, name: str, step: int | None) -> int:
        """The step of the run for an event, whose `step`, if any, starts again from 0 with each fit."""
        stage, fit = name.partition("/")[0], name.rpartition("/")[0]
        if step is None:
            self.now += stage != self.stage
        else:
            if fit != self._fit or self._begun + step < self.now:
                self._fit, self._begun = fit, self.now + 1
            self.now = self._begun + step
        self.stage = stage
        return self.now
