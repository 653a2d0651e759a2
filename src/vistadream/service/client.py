"""A client of the service, for programs: predict, wait with events, download. It needs httpx alone.

with Client("http://127.0.0.1:8000") as service:
    job = service.wait(service.predict(Path("photo.jpg"), {"stage": "coarse"})["id"])
    service.download(job["id"], Path("scene"))
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from vistadream.core import UserError
from vistadream.service.remote.answers import AGAIN, LONG_TRIES, TRIES, checked, events_in, key_header, pause_s
from vistadream.service.remote.fetching import fetched

Job = dict[str, Any]
"""A job as the service answers it."""
_SILENCE_S = 60.0
"""A stream of events sends at least a comment every 15 s."""
_UNIX = "unix:"


class Client:
    """One service. A request that fails on the way is sent again, and makes no second job."""

    def __init__(self, url: str = "http://127.0.0.1:8000", timeout_s: float = 60.0, key: str | None = None):
        """`url`: http://HOST:PORT, or unix:PATH of a socket file. `key`: that of VISTADREAM_API_KEY, if not given."""
        transport = httpx.HTTPTransport(uds=url.removeprefix(_UNIX)) if url.startswith(_UNIX) else None
        base = "http://localhost" if transport else url
        self._url = url
        self._http = httpx.Client(
            base_url=base, transport=transport, timeout=timeout_s, trust_env=False, headers=key_header(key)
        )

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
        parts = {"knobs": (None, json.dumps(dict(knobs or {}))), "priority": (None, str(priority))}
        parts["degrade"] = (None, str(degrade).lower())
        key = {"Idempotency-Key": secrets.token_hex(16)}

        def send() -> httpx.Response:
            if picture is None:
                return self._http.post("/v1/predict", files=parts, headers=key)
            with picture.open("rb") as stream:
                return self._http.post("/v1/predict", files={**parts, "file": (picture.name, stream)}, headers=key)

        return self._answer(send)

    def job(self, job_id: str) -> Job:
        """All that is known of a job."""
        return self._ask("GET", f"/v1/jobs/{job_id}")

    def cancel(self, job_id: str) -> Job:
        """Ends a job."""
        return self._ask("POST", f"/v1/jobs/{job_id}/cancel")

    def resume(self, job_id: str, knobs: Mapping[str, Any] | None = None) -> Job:
        """Puts an ended job into the queue again, with changed knobs."""
        return self._ask("POST", f"/v1/jobs/{job_id}/resume", json={"knobs": dict(knobs or {})})

    def delete(self, job_id: str) -> None:
        """Removes a job with its input and results."""
        self._ask("DELETE", f"/v1/jobs/{job_id}")

    def events(self, job_id: str, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The lines of events.jsonl after that number, with their numbers, until the job has ended.

        A broken connection, or a service that stops, is waited for.
        """
        failures = 0
        while failures < LONG_TRIES:
            try:
                for event in self._stream(job_id, after):
                    failures = 0
                    if event.get("event") == "end":
                        return
                    if "id" in event:
                        after = int(event["id"])
                        yield after, json.loads(event["data"])
            except httpx.TransportError:
                pass
            failures += 1
            time.sleep(pause_s(failures))
        raise UserError(f"{self._url} does not answer; wanted a service that runs: start it with vistadream serve")

    def wait(self, job_id: str, watch: Callable[[dict[str, Any]], object] | None = None) -> Job:
        """The job when it has ended; `watch` gets each line of its events until then."""
        for _, line in self.events(job_id):
            if watch is not None:
                watch(line)
        return self.job(job_id)

    def download(self, job_id: str, folder: Path) -> list[Path]:
        """The results of a job in a folder, each whole and with the digest that the service names.

        A file that is there already, with that digest, is not loaded again; half of one is continued.
        """
        results = self._ask("GET", f"/v1/jobs/{job_id}/results", params={"digests": True})["results"]
        return [fetched(self._http, result, folder) for result in results]

    def _stream(self, job_id: str, after: int) -> Iterator[dict[str, str]]:
        """The events of one connection, each with its fields."""
        path, since = f"/v1/jobs/{job_id}/events", {"Last-Event-ID": str(after)}
        with self._http.stream("GET", path, headers=since, timeout=_SILENCE_S) as answer:
            if answer.status_code != 200:
                answer.read()
                checked(answer)
            yield from events_in(answer.iter_lines())

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        return self._answer(lambda: self._http.request(method, path, **how))

    def _answer(self, send: Callable[[], httpx.Response]) -> Any:
        """The JSON of an answer; a request that does not get through is sent again."""
        for failures in range(1, TRIES + 1):
            try:
                answer = send()
            except httpx.TransportError as error:
                problem: Exception = error
            else:
                if answer.status_code not in AGAIN or failures == TRIES:
                    return checked(answer)
            time.sleep(pause_s(failures))
        raise UserError(
            f"{self._url} does not answer ({problem}); wanted a service that runs: start it with vistadream serve"
        )
