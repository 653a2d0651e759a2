"""Published items in an object store such as S3, by fsspec. Work is done on a disk, and item.json is stored last."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from vistadream.batch.folder import item_key, marker_key
from vistadream.batch.remote import is_url, opened, reached, said
from vistadream.batch.stage_copies import copied_stages, copies_key
from vistadream.core import UserError
from vistadream.formats.files import cache_home, new_file

_MARKER = "item.json"
_SHARED = ("batch.json", "quarantine/")
"""Files of a batch that every machine needs, besides the items."""


def folder_of(out: str, scratch: Path | None = None) -> Path:
    """The folder on this machine for that value of `out`."""
    if not is_url(out):
        return Path(os.path.expanduser(out)).absolute()
    top = cache_home() / "batches" if scratch is None else Path(os.path.expanduser(scratch)).absolute()
    return top / hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:16]


class ObjectStore:
    """Files below a URL. What is known of them for certain is kept below the folder of the batch on this machine."""

    def __init__(self, url: str, root: Path):
        """UserError where the package for this kind of URL is not installed."""
        self._url, self._root = url, root
        self._fs, self._top = opened(url)
        self._published: set[str] = set()

    def exists(self, key: str) -> bool:
        if key in self._published or (self._root / key).exists():
            return True
        try:
            self.get(key)
        except FileNotFoundError:
            return False
        return True

    def put_file(self, key: str, file: Path) -> None:
        try:
            self._ask("put_file", str(file), self._at(key))
        except FileNotFoundError as error:
            if not file.exists():  # whoever has taken the item over has it
                raise
            raise OSError(errno.ENODEV, said(error)) from error

    def put_marker(self, key: str, content: bytes) -> bool:
        try:
            self._ask("pipe_file", self._at(key), content, mode="create")
        except FileExistsError:
            return False
        self._keep(key, content)
        return True

    def rewrite(self, key: str, content: bytes) -> None:
        self._ask("pipe_file", self._at(key), content)
        self._keep(key, content)

    def get(self, key: str) -> bytes:
        content = self._ask("cat_file", self._at(key))
        if _is_marker(key):
            self._keep(key, content)
        return content

    def list(self, prefix: str) -> Iterator[str]:
        for path in self._ask("find", self._at(prefix)):
            yield path[len(self._top) :].lstrip("/")

    def _remove(self, key: str) -> None:
        if self._ask("exists", self._at(key)):
            self._ask("rm_file", self._at(key))

    def publish(self, id: str, ready: Path) -> bool:
        """Of two that publish an item at once one stores item.json; the report of the run may be the other's."""
        is_first = not self.exists(marker_key(id))
        if is_first:
            for file in sorted(path for path in ready.rglob("*") if path.is_file() and path.name != _MARKER):
                self.put_file(f"{item_key(id)}/{file.relative_to(ready).as_posix()}", file)
            is_first = self.put_marker(marker_key(id), (ready / _MARKER).read_bytes())
        for key in list(self.list(f"{copies_key(id)}/")):
            self._remove(key)
        shutil.rmtree(ready, ignore_errors=True)
        return is_first

    def share(self, file: Path) -> None:
        """Stores a file of the folder of the batch for other machines; one that is not there any more is removed."""
        key = file.relative_to(self._root).as_posix()
        if file.exists():
            self.put_file(key, file)
        else:
            self._remove(key)

    def stages(self, id: str, run: Path) -> AbstractContextManager[None]:
        return copied_stages(self, id, run)

    def recall(self) -> None:
        with reached(f"out={self._url}"):
            self._recall()

    def _recall(self) -> None:
        self._published = {key for key in self.list("items/") if _is_marker(key)}
        for file in self._root.glob(f"items/*/*/{_MARKER}"):
            if file.relative_to(self._root).as_posix() not in self._published:  # somebody has removed the item
                file.unlink()
        for key in (key for shared in _SHARED for key in self.list(shared)):
            if not (self._root / key).exists():
                self._keep(key, self.get(key))

    def check(self) -> None:
        """Writes a file and removes it."""
        key = f".probe-{secrets.token_hex(4)}"
        try:
            self._fs.pipe_file(self._at(key), b"")
            self._fs.rm_file(self._at(key))
        except FileNotFoundError as error:
            raise UserError(f"out={self._url} is not there ({said(error)}); wanted a bucket: make it first") from error
        except Exception as error:  # each kind of store has its own
            raise UserError(
                f"out={self._url} cannot be written to ({said(error)}); wanted a key that may read, write and delete "
                "there: check the credentials in the environment"
            ) from error

    def _ask(self, method: str, *given: Any, **more: Any) -> Any:
        """Calls the store. OSError with ENODEV, which any item would meet, where it is away or refuses the key."""
        try:
            return getattr(self._fs, method)(*given, **more)
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # each kind of store has its own
            raise OSError(errno.ENODEV, said(error)) from error

    def _keep(self, key: str, content: bytes) -> None:
        (self._root / key).parent.mkdir(parents=True, exist_ok=True)
        with new_file(self._root / key) as draft:
            draft.write_bytes(content)

    def _at(self, key: str) -> str:
        return f"{self._top}/{key}"


def _is_marker(key: str) -> bool:
    return key.endswith(f"/{_MARKER}")
