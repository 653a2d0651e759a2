"""The client of the service for asyncio. `vistadream.service.client` exports it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from vistadream.service.remote import talks
from vistadream.service.remote.connection import SILENCE_S, Batch, Job, connection
from vistadream.service.remote.steps import Close, Emit, Next, Open, Opened, Pause, Send, Talk, Work


class AsyncClient:
    """One service, for asyncio: the same as `vistadream.service.client.Client`, to be awaited."""

    def __init__(self, url: str = "http://127.0.0.1:8000", timeout_s: float = 60.0, key: str | None = None):
        """`url`: http://HOST:PORT, or unix:PATH of a socket file. `key`: that of VISTADREAM_API_KEY, if not given."""
        self._http = httpx.AsyncClient(**connection(url, timeout_s, key, httpx.AsyncHTTPTransport))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def predict(
        self, picture: Path | None, knobs: Mapping[str, Any] | None = None, priority: int = 0, degrade: bool = False
    ) -> Job:
        """Puts a picture, or the prompt among the knobs, into the queue; the job.

        `degrade` allows a smaller max_resolution when the memory is full.
        """
        return await self._result(talks.predicted(picture, knobs, priority=priority, degrade=degrade))

    async def batch(
        self, pictures: Sequence[Path], knobs: Mapping[str, Any] | None = None, priority: int = 0, degrade: bool = False
    ) -> Batch:
        """Puts a job for each picture, or for those in one zip, into the queue, or none; the batch with its jobs."""
        return await self._result(talks.batched(pictures, knobs, priority=priority, degrade=degrade))

    async def knobs(self) -> dict[str, Any]:
        """The JSON Schema of every knob that `predict` takes."""
        return await self._result(talks.asked("GET", "/v1/knobs"))

    async def job(self, job_id: str) -> Job:
        """All that is known of a job."""
        return await self._result(talks.asked("GET", f"/v1/jobs/{job_id}"))

    async def cancel(self, job_id: str) -> Job:
        """Ends a job."""
        return await self._result(talks.asked("POST", f"/v1/jobs/{job_id}/cancel"))

    async def resume(self, job_id: str, knobs: Mapping[str, Any] | None = None, cameras: Any = None) -> Job:
        """Puts an ended job into the queue again, with changed knobs, or along cameras as in docs/cameras.json."""
        return await self._result(talks.resumed(job_id, knobs, cameras))

    async def delete(self, job_id: str) -> None:
        """Removes a job with its input and results."""
        await self._result(talks.asked("DELETE", f"/v1/jobs/{job_id}"))

    def events(self, job_id: str, after: int = 0) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """The lines of events.jsonl after that number, with their numbers, until the job has ended.

        A broken connection, or a service that stops, is waited for.
        """
        return self._emitted(talks.lines_of(job_id, after))

    def changes(self, after: int | None = None) -> AsyncIterator[tuple[str, int | None, dict[str, Any]]]:
        """What happens to all jobs, without an end: (event, number, data) as GET /v1/events has them."""
        return self._emitted(talks.changes_of(after))

    async def wait(self, job_id: str, watch: Callable[[dict[str, Any]], object] | None = None) -> Job:
        """The job when it has ended; `watch` gets each line of its events until then."""
        return await self._result(talks.waited(job_id), watch)

    async def download(self, job_id: str, folder: Path) -> list[Path]:
        """The results of a job in a folder, each whole and with the digest that the service names.

        A file that is there already, with that digest, is not loaded again; half of one is continued.
        """
        return await self._result(talks.downloaded(job_id, folder))

    async def result(self, job_id: str, name: str, folder: Path) -> Path:
        """One result of a job in a folder; the service makes it first if the run did not export it."""
        return await self._result(talks.made(job_id, name, folder))

    async def _result(self, talk: Talk, watch: Callable[[Any], object] | None = None) -> Any:
        """What a conversation returns; `watch` gets what it emits."""
        ending = Ending()
        async for value in self._emitted(talk, ending):
            if watch is not None:
                watch(value)
        return ending.value

    async def _emitted(self, talk: Talk, ending: Ending | None = None) -> AsyncIterator[Any]:
        """What a conversation emits; `ending` gets what it returns, as an asynchronous generator returns nothing."""
        opened: list[Opened] = []
        answer: Any = None
        act: Callable[[Any], Any] = talk.send
        try:
            while True:
                try:
                    step = act(answer)
                except StopIteration as end:
                    if ending is not None:
                        ending.value = end.value
                    return
                if isinstance(step, Emit):
                    yield step.value
                try:
                    answer, act = await self._done(step, opened), talk.send
                except httpx.TransportError as error:
                    answer, act = error, talk.throw
        finally:
            for each in opened:
                await each.response.aclose()

    async def _done(self, step: Any, opened: list[Opened]) -> Any:
        match step:
            case Send(method, path, how):
                return await self._http.request(method, path, **how)
            case Open(path, headers, by):
                request = self._http.build_request("GET", path, headers=headers, timeout=SILENCE_S)
                response = await self._http.send(request, stream=True)
                opened.append(Opened(response, response.aiter_lines() if by == "lines" else response.aiter_bytes()))
                return opened[-1]
            case Next(each):
                return await anext(each.pieces, None)
            case Close(each):
                await each.response.aclose()
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Work(act):
                return await asyncio.to_thread(act)
        return None


@dataclass
class Ending:
    """What a conversation has returned."""

    value: Any = None
