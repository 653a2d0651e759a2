"""A zip of a request: what is wrong with it is a problem of the request."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vistadream.core import UserError
from vistadream.formats.zip_archive import ZipLimits
from vistadream.formats.zip_archive import opened as opened_zip
from vistadream.service.batches.knobs import BatchKnobs
from vistadream.service.problems import ProblemError


@contextmanager
def opened(path: Path, knobs: BatchKnobs) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """A zip and its pictures, as its directory describes them. ProblemError 422 for what must not be unpacked."""
    limits = ZipLimits(knobs.max_files, knobs.max_unpacked_mb, knobs.max_ratio)
    try:
        with opened_zip(path, limits) as found:
            yield found
    except UserError as error:
        raise ProblemError(422, str(error)) from error
