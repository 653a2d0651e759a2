"""The knobs of the Rerun observer."""

from __future__ import annotations

import re
from dataclasses import dataclass

MODES = ("auto", "spawn", "connect", "serve", "save", "off")
LAYOUTS = ("landscape", "portrait")
_MEMORY = re.compile(r"\d+(\.\d+)?(%|[kMGT]?i?B)")


@dataclass(frozen=True)
class RerunSettings:
    """Where a run can be watched and how much of it is shown. Every mode but `off` also writes the recording file."""

    mode: str = "auto"
    """auto: connect with an address, else spawn with a display, else serve; spawn a viewer; connect to one; serve it
    gRPC; only save; off."""
    port: int = 9876
    """First port to try for spawn and serve; the port of `connect` when no address is given."""
    bind: str = "127.0.0.1"
    """Address to serve on; 127.0.0.1 lets in this machine and ssh port-forwards only."""
    connect: str | None = None
    """Address of a running viewer, `rerun+http://HOST:PORT/proxy`; None: on this machine at `port`."""
    memory_limit: str = "1GiB"
    """What the server keeps for viewers that come late, and what a spawned viewer may hold."""
    wait: bool = False
    """Keep serving after the run until Ctrl-C."""
    wait_seconds: float = 0.0
    """Keep serving after the run for so long."""
    layout: str = "landscape"
    """Shape of the viewer's window: landscape has two columns, portrait one."""
    follow: bool = True
    """Open the tab of each stage as it starts, which puts the viewer's eye back; False: only the first and the last."""
    max_splats: int = 200_000
    """Larger sets of Gaussians are thinned to so many."""
    image_every: int = 10
    """Of pictures and splats that come with a step, show those whose step is a multiple of this."""
    jpeg_quality: int = 85
    """Of pictures, 1 to 100."""
    max_image_px: int = 1024
    """Long side of pictures, depth and masks in the viewer; larger ones are shrunk for it."""

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
