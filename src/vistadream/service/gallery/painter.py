"""The painter: one process of its own that reads scenes for the gallery, at a low priority, while somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vistadream.service.helper import Helper

LONG_SIDE_PX = 320
_WITHIN_S = 120.0
_LATE = "the picture of this scene could not be made in time; wanted a moment: send the request again"
_PROGRAM = "from vistadream.service.gallery.painters_work import main; main()"


class Painter(Helper):
    """The server's side of the pipe. The process starts with the first request, and ends when nobody asks."""

    def __init__(self) -> None:
        super().__init__(_PROGRAM, _WITHIN_S, _LATE)

    async def thumbnail(self, run: Path, stage: str, target: Path) -> None:
        """Writes the scene of a finished stage, seen from the photo's place, as JPEG. ProblemError 422 if damaged."""
        await self.ask({"do": "thumbnail", "run": str(run), "stage": stage, "target": str(target), "px": LONG_SIDE_PX})

    async def viewer_settings(
        self, run: Path, stage: str, words: Sequence[str] | None = None, job: str = "single_img"
    ) -> dict[str, Any]:
        """The viewer's settings for the scene of a finished stage; with the words of a job its flight too."""
        asked = {"do": "settings", "run": str(run), "stage": stage, "job": job}
        return await self.ask(asked | {"words": None if words is None else list(words)})
