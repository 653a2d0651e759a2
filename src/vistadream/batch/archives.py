"""Pictures in a zip or a tar, whose members are checked before anything of them is written."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from vistadream.batch.listing import Named, is_picture
from vistadream.batch.remote import open_file, version_of
from vistadream.core import UserError
from vistadream.formats.zip_archive import ZipLimits, opened, unpack

_LIMITS = ZipLimits(max_files=1_000_000, max_unpacked_mb=10_000_000, max_ratio=100)
_LARGEST_BYTES = 2**30
"""Of one member of a tar."""


def in_archive(file: str) -> Iterator[Named]:
    """The pictures of an archive, in its order. UserError for one that is broken, or that nobody should unpack."""
    version, kind = version_of(file), _in_zip if file.lower().endswith(".zip") else _in_tar
    return (replace(named, version=version) for named in kind(file))


def _in_zip(file: str) -> Iterator[Named]:
    with open_file(file) as stream, opened(stream, _LIMITS) as (archive, infos):
        for info in infos:
            if _is_picture(info.filename):
                yield Named(f"{file}!{info.filename}", unpack=partial(unpack, archive, info))


def _in_tar(file: str) -> Iterator[Named]:
    try:
        with open_file(file) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                if member.isdir() or not _is_picture(member.name):
                    continue
                if why := _wrong(member):
                    raise UserError(f"the file {member.name[:100]!r} of {file} {why}; wanted a tar of pictures")
                yield Named(f"{file}!{member.name}", unpack=partial(_copied, archive, member))
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{file} cannot be read ({error}); wanted a whole tar") from error


def _copied(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = archive.extractfile(member)
    if source is None:
        raise UserError(f"the file {member.name[:100]!r} of the tar is not a file; wanted a tar of pictures")
    with source, target.open("xb") as file:
        shutil.copyfileobj(source, file)


def _wrong(member: tarfile.TarInfo) -> str | None:
    """What is wrong with a member, as the end of a sentence."""
    if not member.isreg():
        return "is a link or a device"
    if member.name.startswith(("/", "\\")) or ".." in member.name.replace("\\", "/").split("/"):
        return "has a name that leads out of the archive"
    if member.size > _LARGEST_BYTES:
        return f"has {member.size / 1e9:.1f} GB, more than a picture"
    return None


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    return is_picture(name) and not any(part.startswith(".") for part in path.parts[-1:])
