"""Clients of the service, for programs: predict, wait with events, download. They need httpx alone.

with Client("http://127.0.0.1:8000") as service:
    job = service.wait(service.predict(Path("photo.jpg"), {"stage": "coarse"})["id"])
    service.download(job["id"], Path("scene"))

AsyncClient is the same for asyncio: `async with`, `await service.predict(...)`, `async for ... in service.events(...)`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from vistadream.service.remote import talks
from vistadream.service.remote.async_client import AsyncClient
from vistadream.service.remote.connection import SILENCE_S, Batch, Job, connection
from vistadream.service.remote.steps import Close, Emit, Next, Open, Opened, Pause, Send, Talk, Work

__all__ = ["AsyncClient", "Batch", "Client", "Job"]


class Client:
    """One service. A request that fails on the way is sent again, and makes no second job."""

    def __init__(self, url: str = "http://127.0.0.1:8000", timeout_s: float = 60.0, key: str | None = None):
        """`url`: http://HOST:PORT, or unix:PATH of a socket file. `key`: that of VISTADREAM_API_KEY, if not given."""
        self._http = httpx.Client(**connection(url, timeout_s, key, httpx.HTTPTransport))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def predict(
        self, picture: Path | None, knobs: Mapping[str, Any] | None = None, priority: int = 0, degrade: bool = False
    ) -> Job:
        """Puts a picture, or the prompt among the knobs, into the queue; the job.

        `degrade` allows a smaller max_resolution when the memory is full.
        """
        return self._result(talks.predicted(picture, knobs, priority=priority, degrade=degrade))

    def batch(
        self, pictures: Sequence[Path], knobs: Mapping[str, Any] | None = None, priority: int = 0, degrade: bool = False
    ) -> Batch:
        """Puts a job for each picture, or for those in one zip, into the queue, or none; the batch with its jobs."""
        return self._result(talks.batched(pictures, knobs, priority=priority, degrade=degrade))

    def knobs(self) -> dict[str, Any]:
        """The JSON Schema of every knob that `predict` takes."""
        return self._result(talks.asked("GET", "/v1/knobs"))

    def job(self, job_id: str) -> Job:
        """All that is known of a job."""
        return self._result(talks.asked("GET", f"/v1/jobs/{job_id}"))

    def cancel(self, job_id: str) -> Job:
        """Ends a job."""
        return self._result(talks.asked("POST", f"/v1/jobs/{job_id}/cancel"))

    def resume(self, job_id: str, knobs: Mapping[str, Any] | None = None, cameras: Any = None) -> Job:
        """Puts an ended job into the queue again, with changed knobs, or along cameras as in docs/cameras.json."""
        return self._result(talks.resumed(job_id, knobs, cameras))

    def delete(self, job_id: str) -> None:
        """Removes a job with its input and results."""
        self._result(talks.asked("DELETE", f"/v1/jobs/{job_id}"))

    def events(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The lines of events.jsonl after that number, with their numbers, until the job has ended.

        A broken connection, or a service that stops, is waited for.
        """
        return self._emitted(talks.lines_of(job_id, after))

    def changes(self, after: int | None = None) -> Iterator[tuple[str, int | None, dict[str, Any]]]:
        """What happens to all jobs, without an end: (event, number, data) as GET /v1/events has them."""
        return self._emitted(talks.changes_of(after))

    def wait(self, job_id: str, watch: Callable[[dict[str, Any]], object] | None = None) -> Job:
        """The job when it has ended; `watch` gets each line of its events until then."""
        return self._result(talks.waited(job_id), watch)

    def download(self, job_id: str, folder: Path) -> list[Path]:
        """The results of a job in a folder, each whole and with the digest that the service names.

        A file that is there already, with that digest, is not loaded again; half of one is continued.
        """
        return self._result(talks.downloaded(job_id, folder))

    def result(self, job_id: str, name: str, folder: Path) -> Path:
        """One result of a job in a folder; the service makes it first if the run did not export it."""
        return self._result(talks.made(job_id, name, folder))

    def _result(self, talk: Talk, watch: Callable[[Any], object] | None = None) -> Any:
        """What a conversation returns; `watch` gets what it emits."""
        emitted = self._emitted(talk)
        while True:
            try:
                value = next(emitted)
            except StopIteration as end:
                return end.value
            if watch is not None:
                watch(value)

    def _emitted(self, talk: Talk) -> Iterator[Any]:
        """What a conversation emits; the value of the end is what it returns."""
        opened: list[Opened] = []
        answer: Any = None
        act: Callable[[Any], Any] = talk.send
        try:
            while True:
                try:
                    step = act(answer)
                except StopIteration as end:
                    return end.value
                if isinstance(step, Emit):
                    yield step.value
                try:
                    answer, act = self._done(step, opened), talk.send
                except httpx.TransportError as error:
                    answer, act = error, talk.throw
        finally:
            for each in opened:
                each.response.close()

    def _done(self, step: Any, opened: list[Opened]) -> Any:
        match step:
            case Send(method, path, how):
                return self._http.request(method, path, **how)
            case Open(path, headers, by):
                request = self._http.build_request("GET", path, headers=headers, timeout=SILENCE_S)
                response = self._http.send(request, stream=True)
                opened.append(Opened(response, response.iter_lines() if by == "lines" else response.iter_bytes()))
                return opened[-1]
            case Next(each):
                return next(each.pieces, None)
            case Close(each):
                each.response.close()
            case Pause(seconds):
                time.sleep(seconds)
            case Work(act):
                return act()
        return None
