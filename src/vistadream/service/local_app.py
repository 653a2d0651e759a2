"""`vistadream app`: the service with a key of its own, and the page in a browser, here or through ssh."""

from __future__ import annotations

import os
import threading
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from vistadream.core.knobs import require
from vistadream.observers.elsewhere import has_display, ssh_line
from vistadream.service.access.local_key import LocalKey
from vistadream.service.address import Listener, listen, listen_from
from vistadream.service.door import Door
from vistadream.service.knobs import ServeKnobs


@dataclass(frozen=True)
class AppKnobs(ServeKnobs):
    """The values of conf/app.yaml and conf/serve.yaml, which say what they mean."""

    browser: Literal["auto", "never"]

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "uds", self.uds is None, "a port, as browsers open no socket files")
        require(self, "engine", self.engine == "local", "local: vistadream serve runs on a cluster")


class AppDoor(Door):
    """A port that is free, a key that is made for whom the data folder belongs to, and a browser where one can open."""

    has_key = True

    def __init__(self, browser: str):
        self._opens = browser == "auto" and has_display()
        self._key: LocalKey | None = None
        self._page_file: Path | None = None

    def listen(self, knobs: ServeKnobs) -> Listener:
        """The port of the knob, or the next one that is free."""
        return listen(knobs) if knobs.port == "auto" else listen_from(knobs, knobs.port)

    def local_key(self, data: Path) -> LocalKey:
        self._key, self._page_file = LocalKey.of(data), data / "open.html"
        return self._key

    def opened(self, listener: Listener, needs_key: bool) -> list[str]:
        """Opens the browser; the lines say where the page is, here and for somebody at another machine."""
        parts = urlsplit(listener.url)
        host = "127.0.0.1" if listener.is_exposed else parts.hostname
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{parts.port}/?key={self._key.text}"
        if self._opens:
            threading.Thread(target=_open, args=(url, self._page_file), daemon=True).start()
        there = url if host == "127.0.0.1" else url.replace(shown, "127.0.0.1")
        return [
            *listener.remarks(needs_key)[:1],
            f"open here:            {url}",
            f"open from elsewhere:  {ssh_line(parts.port, shown)}   and there  {there}",
        ]


def _open(url: str, file: Path) -> None:
    """Opens a file that leads to the address, since other users of the machine see the words of a command."""
    with suppress(OSError, webbrowser.Error):
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as text:
            text.write(
                f'<!doctype html><meta http-equiv="refresh" content="0; url={escape(url)}"><title>VistaDream</title>'
            )
        webbrowser.open(file.as_uri())
