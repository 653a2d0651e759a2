"""The picture of an item as a file: looked at when it is listed, found again and checked when it is worked on."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from vistadream.batch.digests import DigestCache, Looked, look_at
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import DIGEST_DIGITS, Item
from vistadream.batch.listing import Named
from vistadream.batch.remote import fetch, is_url, version_of
from vistadream.core import UserError, system_errors
from vistadream.formats.files import remove, sha256_of

_OF_ONE_FILE = (errno.EACCES, errno.EPERM, errno.ENOENT)


def looked_at(named: Named, digests: DigestCache, folder: BatchFolder) -> Looked:
    """The digest of a picture and its size; a member of an archive is unpacked for that, and stays for the workers.

    A picture that nobody may read gets a digest of its name: its worker will say what is wrong. OSError where the disk
    is gone, UserError for a member that cannot be unpacked, or where a store cannot be reached.
    """
    try:
        read = partial(unpacked, named, folder) if named.unpack else partial(_read, named.name)
        return digests.look(named.name, named.version or version_of(named.name), read)
    except (OSError, UserError) as error:
        if named.unpack or not _is_of_one_file(error, named.name):
            raise
        return Looked(hashlib.sha256(os.fsencode(named.name)).hexdigest()[:DIGEST_DIGITS], None)


def _is_of_one_file(error: Exception, name: str) -> bool:
    """Whether an error is about a file alone, and not about its whole disk or store."""
    if is_url(name):
        return isinstance(error.__cause__, FileNotFoundError | PermissionError)
    return isinstance(error, OSError) and error.errno in _OF_ONE_FILE and Path(name).parent.is_dir()


def _read(name: str) -> Looked:
    if not is_url(name):
        return look_at(Path(name))
    with tempfile.TemporaryDirectory(prefix="vistadream-look-") as place:
        fetch(name, file := Path(place) / "picture")
        return look_at(file)


def unpacked(named: Named, folder: BatchFolder) -> Looked:
    """Unpacks a member of an archive."""
    draft = folder.unpacked(f".{os.getpid()}", named.name)
    draft.parent.mkdir(parents=True, exist_ok=True)
    remove(draft)
    if named.unpack:
        named.unpack(draft)
    found = look_at(draft)
    draft.replace(folder.unpacked(found.digest, named.name))
    return found


def picture_at(item: Item, folder: BatchFolder, images: str = "", scratch: Path | None = None) -> Path:
    """A file with the picture of an item: the first of those by its names that still holds the same bytes.

    A picture behind a URL is fetched to the folder `scratch`. UserError where no name leads to the picture any more;
    caused by ENODEV where its whole disk or store is gone, which is so when neither its folder nor `images` is there.
    """
    changed = False
    for name in item.names:
        for file in _files(item, name, folder, images, scratch):
            if file.is_file():
                with system_errors():
                    if sha256_of(file)[:DIGEST_DIGITS] == item.digest:
                        return file
                changed = True
    parent = Path(item.names[0].partition("!")[0]).parent
    if not (changed or is_url(item.names[0]) or parent.is_dir() or os.path.isdir(images)):
        raise UserError(f"{parent} is not there; wanted it back: mount its disk") from OSError(errno.ENODEV, "gone")
    why = "was changed after it was listed" if changed else "is not there any more"
    raise UserError(f"{item.names[0]} {why}; wanted the picture that was listed: start the batch again")


def _files(item: Item, name: str, folder: BatchFolder, images: str, scratch: Path | None) -> Iterator[Path]:
    """Where the picture of that name may be, one place after the other."""
    yield folder.unpacked(item.digest, name)
    if not is_url(name):
        yield Path(name)
    elif scratch is not None and (fetched := _fetched(name, images, scratch)):
        yield fetched


def _fetched(url: str, images: str, scratch: Path) -> Path | None:
    """A copy of a picture; None where there is none any more. UserError, caused by ENODEV where the store is away."""
    file = scratch / f"picture{PurePosixPath(url).suffix.lower()}"
    try:
        fetch(url, file)
    except UserError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        if isinstance(error.__cause__, PermissionError) and _is_there(images):
            raise
        raise UserError(str(error)) from OSError(errno.ENODEV, "gone")
    return file


def _is_there(images: str) -> bool:
    """Whether the place of the pictures answers, if only that there is nothing of that name, as for a pattern."""
    try:
        version_of(images)
    except (OSError, UserError) as error:
        return isinstance(error.__cause__, FileNotFoundError)
    return True
