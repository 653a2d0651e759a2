"""The picture of a request: what it is by its content, and the name that it gets here."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from vistadream.core import UserError
from vistadream.formats.picture_head import picture_size
from vistadream.service.intake.form_parts import Upload
from vistadream.service.problems import ProblemError

_LONGEST_NAME = 60


def upload_path(draft: Path) -> Path:
    """Where a request's file is written at first."""
    return draft / "input" / "upload"


def safe_name(name: str) -> str:
    """A file name of letters, digits, dots, dashes and underscores, made from the one that a client gave."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return re.sub(r"[^\w.-]+", "_", last, flags=re.ASCII).strip("._-")[-_LONGEST_NAME:].strip("._-") or "picture"


def check_picture(upload: Upload) -> str:
    """The name under which the picture is kept. Only its head is read; a worker decodes it.

    ProblemError 415 when it is not a picture, 422 when it is empty or has too many pixels.
    """
    name, path = safe_name(upload.file_name), upload.path
    if upload.file_bytes == 0:
        raise ProblemError(422, f"{name} is empty; wanted a picture")
    try:
        picture_size(path)
    except UserError as error:
        status = 422 if "too many pixels" in str(error) else 415
        raise ProblemError(status, str(error).replace(str(path), name)) from error
    path.rename(path.with_name(name))
    return name
