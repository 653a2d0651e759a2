"""Cameras of a request, which become the file of the camera path."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from vistadream.service.data import DataFolder
from vistadream.service.problems import ProblemError

LISTS = ("cameras", "camera_path")
"""Under which a file of cameras has its list: that of docs/cameras.json, and nerfstudio's."""
MOST = 1_000
LONGEST_BYTES = 1 << 20
"""Of the body of a request that may hold cameras."""


@asynccontextmanager
async def camera_file(cameras: Any, job_id: str, data: DataFolder, stays: bool = True) -> AsyncIterator[Path | None]:
    """The file of a job with these cameras, removed when the block fails, or unless it `stays`; None for None."""
    path = None if cameras is None else await to_thread(data.add_cameras, job_id, cameras_text(cameras))
    try:
        yield path
    except BaseException:
        stays = False
        raise
    finally:
        if path and not stays:
            path.unlink(missing_ok=True)


def cameras_text(cameras: Any) -> str:
    """The text of the file; ProblemError 422 unless it is an object with a list of 2 to MOST cameras.

    What is in the list is checked by the clerk, with the code that a run reads it by.
    """
    lists = [name for name in LISTS if isinstance(cameras, dict) and isinstance(cameras.get(name), list)]
    if not lists:
        wanted = 'wanted an object such as {"cameras": [{"world_from_cam": [[1, 0, 0, 0], ...]}, ...]}'
        raise ProblemError(422, f"cameras holds no list of cameras; {wanted}", "cameras")
    if not 2 <= (count := len(cameras[lists[0]])) <= MOST:
        raise ProblemError(422, f"cameras holds {count} camera(s); wanted 2 to {MOST}", "cameras")
    return json.dumps(cameras)
