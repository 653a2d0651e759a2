"""Unpacks one file of a zip of a request."""

from __future__ import annotations

import zipfile
from pathlib import Path

from vistadream.core import UserError
from vistadream.formats import zip_archive
from vistadream.service.intake.form_parts import Upload
from vistadream.service.problems import ProblemError


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Upload:
    """Writes a file of a zip to the new file `target`. ProblemError 422 where it is not what the directory says."""
    try:
        digest, size = zip_archive.unpack(archive, info, target)
    except UserError as error:
        raise ProblemError(422, str(error)) from error
    return Upload(info.filename, target, size, digest)
