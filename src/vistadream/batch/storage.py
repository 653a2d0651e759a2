"""Where published items are: a protocol, and a folder on a disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

from vistadream.batch.folder import item_key, marker_key
from vistadream.formats.files import new_file

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST)


class Storage(Protocol):
    """Files by keys such as items/ab/ID/item.json. An item is there exactly if its item.json is."""

    def exists(self, key: str) -> bool:
        """Whether there is a file of that key."""

    def put_file(self, key: str, file: Path) -> None:
        """Stores a file; whoever reads the key gets all of it or nothing."""

    def put_marker(self, key: str, content: bytes) -> bool:
        """Stores the file whose presence says that an item is whole; False where it was there already."""

    def rewrite(self, key: str, content: bytes) -> None:
        """Stores other content in the place of a file."""

    def get(self, key: str) -> bytes:
        """The content of a file. FileNotFoundError where there is none."""

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix, in any order."""

    def publish(self, id: str, ready: Path) -> bool:
        """Stores the files of a folder as an item, its item.json last; False where somebody else was first."""

    def stages(self, id: str, run: Path) -> AbstractContextManager[None]:
        """While an item is worked on in that run folder: has other machines go on with its finished stages."""

    def share(self, file: Path) -> None:
        """A file of the folder of the batch was written, or removed, that other machines need."""

    def check(self) -> None:
        """Before a start: UserError where nothing can be stored."""

    def recall(self) -> None:
        """Brings what other machines have shared. UserError where it cannot be read."""


class LocalStorage:
    """A folder on a disk, on which an item appears by one rename."""

    def __init__(self, root: Path):
        self._root = root

    def exists(self, key: str) -> bool:
        return (self._root / key).exists()

    def put_file(self, key: str, file: Path) -> None:
        with new_file(self._root / key) as draft:
            shutil.copyfile(file, draft)

    def put_marker(self, key: str, content: bytes) -> bool:
        if self.exists(key):
            return False
        self.rewrite(key, content)
        return True

    def rewrite(self, key: str, content: bytes) -> None:
        with new_file(self._root / key) as draft:
            draft.write_bytes(content)

    def get(self, key: str) -> bytes:
        return (self._root / key).read_bytes()

    def list(self, prefix: str) -> Iterator[str]:
        for place, _, names in os.walk(self._root / prefix):
            yield from ((Path(place) / name).relative_to(self._root).as_posix() for name in names)

    def stages(self, id: str, run: Path) -> AbstractContextManager[None]:
        return nullcontext()

    def share(self, file: Path) -> None:
        """All machines see the folder."""

    def check(self) -> None:
        """`Troubles` looks after disks."""

    def recall(self) -> None:
        """All machines see the folder."""

    def publish(self, id: str, ready: Path) -> bool:
        target = self._root / item_key(id)
        with suppress(FileExistsError):
            target.parent.mkdir()
        if target.exists() and not self.exists(marker_key(id)):  # somebody has taken its item.json away
            shutil.rmtree(target)
        try:
            os.rename(ready, target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            return False
        with suppress(OSError):  # a disk that cannot do that
            _settle(target.parent)
        return True


def _settle(folder: Path) -> None:
    """Has the disk keep the names in a folder, also when the power fails."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
