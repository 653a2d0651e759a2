"""Files behind a URL such as s3://BUCKET/KEY: the one door to fsspec, and one sentence for what is wrong behind it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vistadream.core import UserError


def is_url(name: str) -> bool:
    """Whether a name leads to a store, and not to the disk."""
    return "://" in name


def absolute(name: str) -> str:
    """A path as other processes understand it; a URL as it is."""
    return name if is_url(name) else os.path.abspath(os.path.expanduser(name))


def opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. UserError where a package is missing."""
    try:
        import fsspec

        file_system, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        kind = url.partition("://")[0]
        raise UserError(
            f"{url} needs a package for {kind}:// ({said(error)}); wanted it: pip install 'vistadream[cloud]', which "
            "has S3; gcsfs for gs:// and adlfs for az:// are packages of their own"
        ) from error
    return file_system, path.rstrip("/")


@contextmanager
def reached(what: str) -> Iterator[None]:
    """UserError, caused by the error of the store, where the block does not get what it reads."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{what} is not there ({said(error)}); wanted something to read: check its name") from error
    except Exception as error:  # each kind of store has its own
        raise UserError(
            f"{what} cannot be read ({said(error)}); wanted a key that may read there: check the credentials in the "
            "environment, and the network"
        ) from error


def open_file(name: str) -> IO[bytes]:
    """A file of the disk or behind a URL, to read and to seek in. UserError for a URL that cannot be read."""
    if not is_url(name):
        return open(name, "rb")
    file_system, path = opened(name)
    with reached(name):
        return file_system.open(path, "rb")


def fetch(url: str, target: Path) -> None:
    """Copies a file to the disk. UserError where it cannot be read."""
    file_system, path = opened(url)
    with reached(url):
        file_system.get_file(path, str(target))


def version_of(name: str) -> str:
    """What changes with the content of a file. OSError where it is gone; UserError for a URL that cannot be read."""
    if not is_url(name):
        about = os.stat(name)
        return f"{about.st_size}\0{about.st_mtime_ns}"
    file_system, path = opened(name)
    with reached(name):
        return version_by(file_system.info(path))


def version_by(info: dict[str, Any]) -> str:
    """The same by all that a store says of a file."""
    return hashlib.sha256(repr(sorted(info.items(), key=lambda entry: entry[0])).encode()).hexdigest()


def said(error: BaseException) -> str:
    """The words of an error in one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split()) or type(error).__name__
