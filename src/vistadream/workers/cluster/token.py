"""The token of a Ray cluster. Without one, whoever reaches a port of the cluster runs programs on it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from vistadream.core import UserError

_MODE, _TOKEN, _PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def use_token(make: bool) -> None:
    """Has Ray, which must not be imported before, ask for a token and show it.

    `make`: where there is none a new one is made. UserError where there is none, or where others may read its file.
    """
    os.environ[_MODE] = "token"
    if os.environ.get(_TOKEN):
        return
    file = token_file()
    if not file.exists():
        if not make:
            raise UserError(
                f"the token of the Ray cluster is missing in {file}; wanted a copy of the file of that name on the "
                "cluster's head node"
            )
        _make(file)
    if file.stat().st_mode & 0o077:
        raise UserError(f"others can read the token of the Ray cluster; wanted it for you alone: chmod 600 {file}")


def token() -> str:
    """The token that is shown; "" where there is none."""
    if shown := os.environ.get(_TOKEN):
        return shown
    file = token_file()
    return file.read_text(encoding="ascii").strip() if file.exists() else ""


def token_file() -> Path:
    """Where Ray looks for the token."""
    return Path(os.environ.get(_PATH) or Path.home() / ".ray" / "auth_token")


def _make(file: Path) -> None:
    """Writes a new token that its owner alone may read; one that another process has made meanwhile is kept."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as stream:
        stream.write(secrets.token_hex(32))
