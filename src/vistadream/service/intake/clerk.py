"""The clerk: one process of its own that turns knobs into checked words, because that imports torch and takes time.

It reads one line of JSON for each request from its standard input, answers by one line, and ends with the pipe.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vistadream.service.problems import ProblemError

_LONGEST_LINE = 16 << 20
_ANSWERS_WITHIN_S = 60.0
"""The first answer waits for the import of torch."""
_PROGRAM = "from vistadream.service.intake.clerks_work import main; main()"


class Clerk:
    """The server's side of the pipe. One request at a time; a clerk that ended is started anew."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._kept: dict[str, Any] = {}

    async def start(self) -> None:
        """Starts the process, unless a request was faster; it is not waited for."""
        async with self._turn:
            if self._process is None:
                await self._begin()

    async def _begin(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _PROGRAM), stdin=pipe, stdout=pipe, limit=_LONGEST_LINE
        )

    async def stop(self) -> None:
        """Ends the process."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def words(
        self, knobs: Mapping[str, Any], job: str, before: Sequence[str] = (), cameras: Path | None = None
    ) -> list[str]:
        """Checked words of the knobs, added to the words of `before`; ProblemError 422 names the knob.

        With a file of cameras, which is checked too, the last words choose the camera path through them; they have its
        name alone.
        """
        asked = {"do": "words", "knobs": knobs, "job": job, "before": list(before)}
        return await self._ask(asked | ({"cameras": str(cameras)} if cameras else {}))

    async def keys(self, words: Sequence[str], job: str, digests: Sequence[str]) -> list[tuple[str, str]]:
        """For each picture, by its sha256, the keys of the last stage and of the result; ("", "") for an unknown one.

        The digest of a job without a picture is "".
        """
        asked = {"do": "keys", "words": list(words), "job": job, "digests": list(digests)}
        return [tuple(keys) if keys else ("", "") for keys in await self._ask(asked)]

    async def schema(self, job: str) -> Any:
        """The JSON Schema of the knobs of a job."""
        if job not in self._kept:
            self._kept[job] = await self._ask({"do": "schema", "job": job})
        return self._kept[job]

    async def gpu(self) -> dict[str, Any]:
        """The GPU of this machine."""
        if "gpu" not in self._kept:
            self._kept["gpu"] = await self._ask({"do": "gpu"})
        return self._kept["gpu"]

    async def _ask(self, request: dict[str, Any]) -> Any:
        async with self._turn:
            try:
                answer = await asyncio.wait_for(self._exchange(request), _ANSWERS_WITHIN_S)
            except (TimeoutError, OSError, EOFError) as error:
                await self.stop()
                self._process = None
                wanted = "the knobs could not be checked in time; wanted a moment: send the request again"
                raise ProblemError(503, wanted, headers={"Retry-After": "5"}) from error
        if "error" in answer:
            raise ProblemError(422, answer["error"], answer.get("knob"))
        return answer["answer"]

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            await self._begin()
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        if not (line := await self._process.stdout.readline()):
            raise EOFError
        return json.loads(line)
