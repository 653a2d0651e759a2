"""One axis of steps for a whole run."""

from __future__ import annotations


class Steps:
    """Counts a run's steps: every stage begins one further, and each fit's own steps follow those of the fit before."""

    def __init__(self) -> None:
        self.stage = "run"
        """First word of the last event's name."""
        self.now = 0
        """The last step of the run."""
        self._fit, self._begun = "", 0

    def take(self, name: str, step: int | None) -> int:
        """The run's step for an event. Its own `step`, if any, starts again from 0 with each fit."""
        stage, fit = name.partition("/")[0], name.rpartition("/")[0]
        if step is None:
            self.now += stage != self.stage
        else:
            if fit != self._fit or self._begun + step < self.now:
                self._fit, self._begun = fit, self.now + 1
            self.now = self._begun + step
        self.stage = stage
        return self.now
