"""Unpacks one file of a zip after the other, each never further than its directory says."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

from vistadream.service.batches.zip_check import is_zip
from vistadream.service.intake.form_parts import Upload
from vistadream.service.problems import ProblemError

_CHUNK = 1 << 16


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Upload:
    """Writes a file of a zip to the new file `target`. ProblemError 422 where it is not what the directory says."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(info) as source, target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                if (size := size + len(chunk)) > info.file_size:
                    raise zipfile.BadZipFile("it is longer than the directory says")
                file.write(chunk)
                digest.update(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        seen = f"the file {info.filename[:100]!r} of the zip cannot be unpacked ({error})"
        raise ProblemError(422, f"{seen}; wanted a whole zip") from error
    if is_zip(target):
        raise ProblemError(422, f"the file {info.filename[:100]!r} of the zip is a zip; wanted pictures in it")
    return Upload(info.filename, target, size, digest.hexdigest())
