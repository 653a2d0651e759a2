"""The knobs of the Rerun observer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from vistadream.core import ObservedRun, Observer, silent
from vistadream.core.knobs import FROM_1, Range, check_ranges, require

_MEMORY = re.compile(r"\d+(\.\d+)?(%|[kMGT]?i?B)")


@dataclass(frozen=True)
class RerunSettings:
    """Where a run can be watched and how much of it is shown. Every mode except `off` also writes a recording."""

    mode: Literal["auto", "spawn", "connect", "serve", "save", "off"]
    """auto: connect where an address is given, else spawn where there is a display, else serve. spawn: start a viewer.
    connect: send to a running viewer. serve: let viewers connect. save: only write the file. off: nothing at all."""
    port: int
    """The first port to try for spawn and serve; the port of `connect` when no address is given."""
    bind: str
    """Address to serve on; 127.0.0.1 can be reached from this machine and by ssh port forwarding only."""
    connect: str | None
    """Address of a running viewer, `rerun+http://HOST:PORT/proxy`; None: on this machine at `port`."""
    memory_limit: str
    """The memory that the server uses for viewers that connect later, and the limit of a spawned viewer."""
    wait: bool
    """Keep serving after the run until Ctrl-C."""
    wait_seconds: float
    """Keep serving for this time after the run."""
    layout: Literal["landscape", "portrait"]
    """Shape of the viewer's window. landscape: two columns. portrait: one column."""
    follow: bool
    """Open the tab of each stage when it starts, which resets the viewer's camera; False: only at start and end."""
    max_splats: int
    """The largest number of Gaussians in the viewer; larger scenes are thinned."""
    image_every: int
    """Show pictures and splats of a fit only at steps that are a multiple of this."""
    jpeg_quality: int
    """JPEG quality of pictures, 1 to 100."""
    max_image_px: int
    """The largest long side of pictures, depth and masks in the viewer; larger ones are reduced."""

    def __post_init__(self) -> None:
        check_ranges(self, port=(1, 65535), max_image_px=Range(16), max_splats=FROM_1)
        check_ranges(self, image_every=FROM_1, jpeg_quality=(1, 100))
        require(
            self, "connect", self.connect is None or self.mode in ("auto", "connect"), "null, or mode=connect with it"
        )
        finite = "0 to 1e8 seconds, or rerun.wait=true to wait without a limit"
        require(self, "wait_seconds", 0 <= self.wait_seconds <= 1e8, finite)
        require(self, "memory_limit", _MEMORY.fullmatch(self.memory_limit), "a size such as 512MiB, 2GiB or 25%")
        require(self, "bind", self.bind.strip(), "an address of this machine, such as 127.0.0.1")

    @contextmanager
    def open(self, run: ObservedRun) -> Iterator[Observer]:
        """The open `RerunObserver` of a run; `silent` when the mode is off.

        Rerun is imported here, when it is used, because the import takes a fifth of a second.
        """
        if self.mode == "off":
            yield silent
            return
        from vistadream.observers.rerun.observer import RerunObserver

        with RerunObserver(self, run.recording, name=run.name, stages=run.stages) as observe:
            observe.log_config(run.config, run.knobs)
            yield observe
