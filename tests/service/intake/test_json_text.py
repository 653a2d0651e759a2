"""What is taken for an object, and what for no body at all."""

import asyncio

import pytest
from starlette.requests import Request

from vistadream.service.intake.json_text import body_object
from vistadream.service.problems import ProblemError


def read(body: bytes) -> dict:
    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(body_object(Request({"type": "http", "headers": []}, receive), "{}"))


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t ", b"{}", b" {}\n"])
def test_no_body_is_an_empty_object(body):
    assert read(body) == {}


@pytest.mark.parametrize("body", [b"\x0c", "\u00a0".encode(), b"\x1c\n", b"\xff", b"[]", b"null", b"{} {}"])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(ProblemError) as refused:
        read(body)
    assert refused.value.status == 400
