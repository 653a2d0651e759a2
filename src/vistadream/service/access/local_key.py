"""The key of `vistadream app`: for whoever can read the data folder, and the same after a restart."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from vistadream.core import UserError

_TEXT = re.compile(r"vd_app_[A-Za-z0-9_-]{43}", re.ASCII)


class LocalKey:
    """A key for all that its one user may do."""

    def __init__(self, text: str):
        self.text = text
        self.id = hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def of(cls, data: Path) -> LocalKey:
        """The key of a data folder, made at first need, in a file that only its owner can read.

        UserError where the file holds something else.
        """
        path = data / "app.key"
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(f"vd_app_{secrets.token_urlsafe(32)}")
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        if not _TEXT.fullmatch(text):
            raise UserError(f"{path} holds no key; wanted one that vistadream app wrote: remove the file")
        return cls(text)

    def matches(self, text: str) -> bool:
        """Whether a text is this key, in a time that tells nothing."""
        return hmac.compare_digest(self.text.encode(), text.encode())
