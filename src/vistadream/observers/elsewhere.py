"""What a person needs who sits at another machine: whether a window can open here, and the line for ssh."""

from __future__ import annotations

import getpass
import os
import socket
import sys


def has_display() -> bool:
    """Whether a window can open on this machine."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def ssh_line(port: int, host: str = "127.0.0.1") -> str:
    """The command that makes a port of `host`, as this machine names it, one of the machine where it is typed."""
    return f"ssh -N -L {port}:{host}:{port} {_me()}"


def _me() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        user = "USER"
    return f"{user}@{socket.gethostname()}"
