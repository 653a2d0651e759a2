"""The knobs of the Rerun observer."""

from __future__ import annotations

import re
from dataclasses import dataclass

MODES = ("auto", "spawn", "connect", "serve", "save", "off")
LAYOUTS = ("landscape", "portrait")
_MEMORY = re.compile(r"\d+(\.\d+)?(%|[kMGT]?i?B)")


@dataclass(frozen=True)
class RerunSettings:
    """Where a run can be watched and how much of it is shown. Every mode except `off` also writes a recording."""

    mode: str = "auto"
    """auto: connect if an address is given, else spawn if there is a display, else serve; spawn: start a viewer;
    connect: send to a running viewer; serve: serve over gRPC; save: only write the file; off."""
    port: int = 9876
    """The first port to try for spawn and serve; the port of `connect` when no address is given."""
    bind: str = "127.0.0.1"
    """Address to serve on; 127.0.0.1 can be reached from this machine and by ssh port forwarding only."""
    connect: str | None = None
    """Address of a running viewer, `rerun+http://HOST:PORT/proxy`; None: on this machine at `port`."""
    memory_limit: str = "1GiB"
    """The memory that the server uses for viewers that connect later, and the limit of a spawned viewer."""
    wait: bool = False
    """Keep serving after the run until Ctrl-C."""
    wait_seconds: float = 0.0
    """Keep serving for this time after the run."""
    layout: str = "landscape"
    """Shape of the viewer's window: landscape has two columns, portrait one."""
    follow: bool = True
    """Open the tab of each stage when it starts, which resets the viewer's camera; False: only at start and end."""
    max_splats: int = 200_000
    """The largest number of Gaussians in the viewer; larger scenes are thinned."""
    image_every: int = 10
    """Show pictures and splats of a fit only at steps that are a multiple of this."""
    jpeg_quality: int = 85
    """JPEG quality of pictures, 1 to 100."""
    max_image_px: int = 1024
    """The largest long side of pictures, depth and masks in the viewer; larger ones are reduced."""

    def __post_init__(self) -> None:
        self._want("mode", self.mode in MODES, f"one of {', '.join(MODES)}")
        self._want("port", 1 <= self.port <= 65535, "1 to 65535")
        self._want("connect", self.connect is None or self.mode in ("auto", "connect"), "none, or mode=connect with it")
        self._want("layout", self.layout in LAYOUTS, f"one of {', '.join(LAYOUTS)}")
        self._want("max_image_px", self.max_image_px >= 16, "16 or more")
        self._want("memory_limit", _MEMORY.fullmatch(self.memory_limit), "a size such as 512MiB, 2GiB or 25%")
        self._want("wait_seconds", 0 <= self.wait_seconds <= 1e8, "0 to 1e8, or wait=true for as long as it takes")
        self._want("bind", self.bind.strip(), "an address of this machine, such as 127.0.0.1")
        self._want("max_splats", self.max_splats >= 1, "1 or more")
        self._want("image_every", self.image_every >= 1, "1 or more")
        self._want("jpeg_quality", 1 <= self.jpeg_quality <= 100, "1 to 100")

    def _want(self, field: str, holds: object, wanted: str) -> None:
        if not holds:
            raise ValueError(f"RerunSettings.{field}: got {getattr(self, field)!r}; wanted {wanted}")
