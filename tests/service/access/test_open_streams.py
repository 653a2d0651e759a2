"""A stream ends soon after its caller's key, in order, and is left alone before."""

import asyncio
import contextlib

import pytest

from vistadream.service.access.open_streams import OpenStream, is_stream

CALLER = object()
START, ACCEPT = {"type": "http.response.start", "status": 200, "headers": []}, {"type": "websocket.accept"}


class Stream:
    """An application that sends a first message and waits."""

    def __init__(self, *first, then=None):
        self.first, self.then, self.was_ended = first, then, False

    async def __call__(self, scope, receive, send):
        try:
            for message in self.first:
                await send(message)
            await (self.then() if self.then else asyncio.Event().wait())
        finally:
            self.was_ended = True


def run(stream, kind, lets_in):
    """What is sent, and the callers that were asked about; `lets_in` are the answers, one after the other."""
    sent, asked = [], []

    async def send(message):
        sent.append(message)

    async def still_lets_in(caller):
        asked.append(caller)
        return lets_in[len(asked) - 1]

    open_stream = OpenStream(stream, still_lets_in, look_s=0.001)
    asyncio.run(open_stream({"type": kind, "caller": CALLER}, None, send))
    return sent, asked


@pytest.mark.parametrize(
    ("first", "kind", "end"),
    [
        ([START], "http", {"type": "http.response.body", "body": b"", "more_body": False}),
        ([START, {"type": "http.response.body", "body": b"a", "more_body": True}], "http", "as before"),
        ([ACCEPT], "websocket", {"type": "websocket.close", "code": 1008, "reason": "the key has ended"}),
        ([ACCEPT, {"type": "websocket.send", "text": "a"}], "websocket", "as before"),
        ([], "http", None),
        ([START, {"type": "http.response.body", "body": b"a"}], "http", None),
        ([ACCEPT, {"type": "websocket.close"}], "websocket", None),
    ],
)
def test_it_ends_once_the_caller_is_not_let_in_any_more(first, kind, end):
    stream = Stream(*first)
    sent, asked = run(stream, kind, [True, True, False])
    assert asked == [CALLER] * 3
    assert stream.was_ended
    assert sent[: len(first)] == first
    ends = {"http": "http.response.body", "websocket": "websocket.close"}
    assert [each["type"] for each in sent[len(first) :]] == ([ends[kind]] if end else [])
    if isinstance(end, dict):
        assert sent[-1] == end


def test_a_stream_that_ends_by_itself_ends_as_it_does():
    async def fail():
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        run(Stream(START, then=fail), "http", [True] * 1000)
    sent, _ = run(Stream(START, then=lambda: asyncio.sleep(0.005)), "http", [True] * 1000)
    assert sent == [START]


def test_the_end_of_a_request_is_the_end_of_its_stream():
    stream = Stream(START)

    async def cancelled():
        async def send(_):
            pass

        task = asyncio.create_task(OpenStream(stream, None)({"type": "http", "caller": CALLER}, None, send))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    asyncio.run(cancelled())
    assert stream.was_ended


def test_which_answers_are_streams():
    streams = ("/v1/events", "/v1/jobs/01m8ek6dsn41xvs47ccqzntxje/events", "/v1/jobs/01m8ek6dsn41xvs47ccqzntxje/ws")
    assert all(map(is_stream, streams))
    assert not any(map(is_stream, ("/v1/jobs", "/v1/predict", "/v1/jobs/a/results", "/v1/batches/a/archive")))
