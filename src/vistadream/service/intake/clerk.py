"""The clerk: one process of its own that turns knobs into checked words, because that imports torch and takes time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vistadream.service.helper import Helper

_ANSWERS_WITHIN_S = 60.0
"""The first answer waits for the import of torch."""
_LATE = "the knobs could not be checked in time; wanted a moment: send the request again"
_PROGRAM = "from vistadream.service.intake.clerks_work import main; main()"


class Clerk(Helper):
    """The server's side of the pipe."""

    def __init__(self, noncommercial: bool = False) -> None:
        """`noncommercial`: requests may accept licenses that forbid commercial use."""
        super().__init__(_PROGRAM, _ANSWERS_WITHIN_S, _LATE)
        self._noncommercial = noncommercial
        self._kept: dict[str, Any] = {}

    async def words(
        self, knobs: Mapping[str, Any], job: str, before: Sequence[str] = (), cameras: tuple[Path, Path] | None = None
    ) -> list[str]:
        """Checked words of the knobs, added to the words of `before`; ProblemError 422 names the knob.

        `cameras`: a file of cameras, which is checked too, and the run folder in whose scene they have to be in free
        space. The last words choose the camera path through them; they have the file's name alone.
        """
        where = dict(zip(("file", "run"), map(str, cameras), strict=True)) if cameras else None
        asked = {"do": "words", "knobs": knobs, "job": job, "before": list(before), "cameras": where}
        return await self.ask(asked | {"noncommercial": self._noncommercial})

    async def plan(self, words: Sequence[str], job: str, run: Path) -> list[dict[str, Any]]:
        """The stages of a job with these words, and which of them its run folder has already."""
        return await self.ask({"do": "plan", "words": list(words), "job": job, "run": str(run)})

    async def keys(self, words: Sequence[str], job: str, digests: Sequence[str]) -> list[tuple[str, str]]:
        """For each picture, by its sha256, the keys of the last stage and of the result; ("", "") for an unknown one.

        The digest of a job without a picture is "".
        """
        asked = {"do": "keys", "words": list(words), "job": job, "digests": list(digests)}
        return [tuple(keys) if keys else ("", "") for keys in await self.ask(asked)]

    async def schema(self, job: str) -> Any:
        """The JSON Schema of the knobs of a job."""
        if job not in self._kept:
            self._kept[job] = await self.ask({"do": "schema", "job": job, "noncommercial": self._noncommercial})
        return self._kept[job]

    async def backends(self, job: str) -> list[dict[str, Any]]:
        """The backends of a job, and what each lacks on this machine now."""
        return await self.ask({"do": "backends", "job": job})

    async def gpu(self) -> dict[str, Any]:
        """The GPU of this machine."""
        if "gpu" not in self._kept:
            self._kept["gpu"] = await self.ask({"do": "gpu"})
        return self._kept["gpu"]
