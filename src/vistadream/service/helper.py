"""A process of its own that answers one question after the other, for what imports torch and takes time.

It reads one line of JSON for each request from its standard input, answers by one line, and ends with the pipe.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from vistadream.service.problems import ProblemError

_LONGEST_LINE = 16 << 20


class Helper:
    """The server's side of the pipe. One request at a time; a process that ended is started anew."""

    def __init__(self, program: str, within_s: float, late: str):
        """`program`: of Python. `late`: the sentence for a request that is not answered in time."""
        self._program, self._within_s, self._late = program, within_s, late
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Starts the process, unless a request was faster; it is not waited for."""
        async with self._turn:
            if self._process is None:
                await self._begin()

    async def stop(self) -> None:
        """Ends the process."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def ask(self, request: dict[str, Any]) -> Any:
        """The answer to a request; ProblemError 422 with its own sentence, or 503 when it does not come."""
        async with self._turn:
            try:
                answer = await asyncio.wait_for(self._exchange(request), self._within_s)
            except (TimeoutError, OSError, EOFError) as error:
                await self.stop()
                self._process = None
                raise ProblemError(503, self._late, headers={"Retry-After": "5"}) from error
        if "error" in answer:
            raise ProblemError(422, answer["error"], answer.get("knob"))
        return answer["answer"]

    async def _begin(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", self._program), stdin=pipe, stdout=pipe, limit=_LONGEST_LINE
        )

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.returncode is not None:
            await self._begin()
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        if not (line := await self._process.stdout.readline()):
            raise EOFError
        return json.loads(line)
