"""Reads multipart/form-data while it arrives, and never more of it than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from vistadream.service.intake.form_parts import Form, Parts
from vistadream.service.problems import ProblemError


async def read_form(request: Request, target: Path, limit_bytes: int, idle_s: float, most_files: int = 1) -> Form:
    """Reads the body of a request; its part `file` goes to `target`, further ones to names that begin with that.

    ProblemError 413 as soon as more than `limit_bytes` are announced or read, 408 when nothing comes for `idle_s`, 415
    and 400 when it is not multipart/form-data or is not whole.
    """
    length = request.headers.get("content-length", "0")
    if int(length) > limit_bytes:  # h11 has checked that these are digits
        raise _too_large(limit_bytes)
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise ProblemError(415, "the body is not multipart/form-data; wanted the parts file and knobs")
    parts = Parts(target, most_files)
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks())
        read = 0
        async for chunk in _chunks(request, idle_s):
            if (read := read + len(chunk)) > limit_bytes:
                raise _too_large(limit_bytes)
            parser.write(chunk)
    except FormParserError as error:
        raise ProblemError(400, f"the body cannot be read ({error}); wanted whole multipart/form-data") from error
    except ClientDisconnect as error:
        raise ProblemError(400, "the connection ended within the body; wanted all of it") from error
    finally:
        parts.close()
    if not parts.is_whole:
        raise ProblemError(400, "the body stops before its last boundary; wanted whole multipart/form-data")
    return parts.form()


def _too_large(limit_bytes: int) -> ProblemError:
    return ProblemError(413, f"the body is too large; wanted at most {limit_bytes / 1e6:g} MB: scale the picture down")


async def _chunks(request: Request, idle_s: float) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(stream), idle_s)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ProblemError(408, f"nothing came for {idle_s:g} s; wanted the rest of the body") from error
