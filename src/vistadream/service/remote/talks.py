"""Conversations with a service, as generators of steps: what is sent, what is tried again, and when it is done."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from vistadream.core import UserError
from vistadream.service.remote.answers import AGAIN, LONG_TRIES, TRIES, Events, checked, pause_s
from vistadream.service.remote.fetching import fetched
from vistadream.service.remote.steps import Close, Emit, Next, Open, Pause, Send, Talk

_MAKE_WAIT_S = 30
_WANTED = "wanted a service that runs: start it with vistadream serve"


def asked(method: str, path: str, **how: Any) -> Talk:
    """The JSON of an answer; a request that does not get through is sent again."""
    return checked((yield from _sent(Send(method, path, how))))


def batched(pictures: Sequence[Path], knobs: Mapping[str, Any] | None, **parts: Any) -> Talk:
    """A new batch; however often it is sent, it is one."""
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    with ExitStack() as stack:
        files = [("file", (path.name, stack.enter_context(path.open("rb")))) for path in pictures]
        return (yield from asked("POST", "/v1/batches", files=[*_texts(knobs, parts).items(), *files], headers=headers))


def predicted(picture: Path | None, knobs: Mapping[str, Any] | None, **parts: Any) -> Talk:
    """A new job; however often it is sent, it is one."""
    texts = _texts(knobs, parts)
    how: dict[str, Any] = {"headers": {"Idempotency-Key": secrets.token_hex(16)}}
    if picture is None:
        return (yield from asked("POST", "/v1/predict", files=texts, **how))
    content = (picture.name, picture.open("rb"))
    with content[1]:
        send = Send("POST", "/v1/predict", {"files": {**texts, "file": content}, **how})
        return checked((yield from _sent(send)))


def _texts(knobs: Mapping[str, Any] | None, parts: Mapping[str, Any]) -> dict[str, tuple[None, str]]:
    """The text parts of a form."""
    return {name: (None, json.dumps(value)) for name, value in {"knobs": dict(knobs or {}), **parts}.items()}


def _sent(send: Send) -> Talk:
    """The answer of a request, which is sent again where it does not get through."""
    for failures in range(1, TRIES + 1):
        try:
            answer = yield send
        except httpx.TransportError as error:
            problem = error
        else:
            if answer.status_code not in AGAIN or failures == TRIES:
                return answer
        yield Pause(pause_s(failures))
    raise UserError(f"{problem.request.url} does not answer ({problem}); {_WANTED}")


def followed(path: str, after: int | None, value_of: Callable[[Mapping[str, str]], Any]) -> Talk:
    """Emits the value of each event of a stream that has one, until an event is called end.

    A broken connection, or a restart of the service, is waited for.
    """
    failures = 0
    while failures < LONG_TRIES:
        try:
            opened = yield Open(path, {} if after is None else {"Last-Event-ID": str(after)}, by="lines")
            events = Events(opened.response)
            while (line := (yield Next(opened))) is not None:
                for event in events.feed(line):
                    failures, after = 0, int(event["id"]) if "id" in event else after
                    if event.get("event") == "end":
                        return
                    if (value := value_of(event)) is not None:
                        yield Emit(value)
            yield Close(opened)
            events.check()
        except httpx.TransportError:
            pass
        failures += 1
        yield Pause(pause_s(failures))
    raise UserError(f"{path} does not answer any more; {_WANTED}")


def lines_of(job_id: str, after: int) -> Talk:
    """Emits (number, line) for the lines of events.jsonl of a job after a number, until it has ended."""
    return followed(f"/v1/jobs/{job_id}/events", after, _line)


def _line(event: Mapping[str, str]) -> tuple[int, dict[str, Any]] | None:
    return (int(event["id"]), json.loads(event["data"])) if "id" in event else None


def changes_of(after: int | None) -> Talk:
    """Emits (event, number, data) for what happens to all jobs after a number, or from now on, without an end."""
    return followed("/v1/events", after, _change)


def _change(event: Mapping[str, str]) -> tuple[str, int | None, dict[str, Any]] | None:
    number = int(event["id"]) if "id" in event else None
    return None if event["event"] in ("hello", "bye") else (event["event"], number, json.loads(event["data"]))


def waited(job_id: str) -> Talk:
    """Emits the lines of a job until it has ended; the job as it is then."""
    yield from followed(f"/v1/jobs/{job_id}/events", 0, lambda event: line[1] if (line := _line(event)) else None)
    return (yield from asked("GET", f"/v1/jobs/{job_id}"))


def resumed(job_id: str, knobs: Mapping[str, Any] | None, cameras: Any) -> Talk:
    """An ended job, which is in the queue again."""
    body = {"knobs": dict(knobs or {})} | ({} if cameras is None else {"cameras": cameras})
    return asked("POST", f"/v1/jobs/{job_id}/resume", json=body)


def downloaded(job_id: str, folder: Path) -> Talk:
    """The files of all results of a job."""
    listed = yield from asked("GET", f"/v1/jobs/{job_id}/results", params={"digests": True})
    files = []
    for result in listed["results"]:
        files.append((yield from fetched(result, folder)))
    return files


def made(job_id: str, name: str, folder: Path) -> Talk:
    """The file of one result, which the service makes if it is not there."""
    how = {"params": {"wait": _MAKE_WAIT_S}, "headers": {"Range": "bytes=0-0"}}
    while (answer := (yield from _sent(Send("GET", f"/v1/jobs/{job_id}/results/{name}", how)))).status_code == 202:
        yield Pause(float(answer.headers.get("Retry-After", "1")))
    if answer.status_code not in (206, 416):  # 416: it is empty
        checked(answer)
    listed = yield from asked("GET", f"/v1/jobs/{job_id}/results", params={"digests": True})
    return (yield from fetched(next(each for each in listed["results"] if each["name"] == name), folder))
