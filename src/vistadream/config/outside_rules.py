"""Knobs that a request from outside may not set, with the reasons, and how large others may be.

The command line takes all knobs, as its user owns the files and the machine. A request from outside comes from somebody
who owns neither.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

_WIRING = "is put together by choices; wanted one of these, such as backends/depth=moge, or the knobs of a part"
_OWN_FOLDERS = "is the service's own, since every job has a folder of its own"
_FILE = "names a file or a folder on the server's disk"
_UPLOAD = f"{_FILE}; wanted the picture itself: upload it with the request"
_OPERATOR = "is decided by whoever runs the server"
ACCEPTANCE = "accept_noncommercial"
"""The knob that accepts licenses; requests may set it where whoever runs the server lets them."""
_LICENSE = "accepts licenses of models, which whoever runs the server has to allow (allow_noncommercial=true)"
_WATCHING = "says who watches a run, and where; jobs of a service are followed by their events"
REFUSED = {
    "image": _UPLOAD,
    "input": _UPLOAD,
    "out": _OWN_FOLDERS,
    "resume": _OWN_FOLDERS,
    "hydra": _WIRING,
    "hydra.*": _WIRING,
    "job": _WIRING,
    "job.*": _WIRING,
    "source": "is chosen by what the request holds: a picture, or prompt",
    "source.prompt": "is given as prompt",
    "source.input": _UPLOAD,
    "stages": _WIRING,
    "camera": _WIRING,
    "flight": _WIRING,
    "backends": _WIRING,
    "observers": _WATCHING,
    "observers.*": _WATCHING,
    "rerun": _WATCHING,
    "rerun.*": _WATCHING,
    "memory": _OPERATOR,
    "*.memory": _OPERATOR,
    "device": _OPERATOR,
    "*.device": _OPERATOR,
    "*.threads": _OPERATOR,
    "checkpoint_seconds": _OPERATOR,
    ACCEPTANCE: _LICENSE,
    f"*.{ACCEPTANCE}": f"is decided by {ACCEPTANCE} for all models",
    "*._target_": "names a class of the program; wanted a choice, such as backends/depth=moge",
}
"""Knobs, or patterns of knobs, with what is wrong about each, as the end of a sentence that begins with its name."""
OF_A_PATH = _FILE
"""For knobs whose type is a path."""
OF_A_PART = _WIRING
"""For knobs whose value is another part of the configuration."""
OF_ANOTHER_JOB = {
    "single_img": {"input": _UPLOAD, "max_views": "is read by multi-img alone", "fps": "is read by multi-img alone"},
    "multi_img": {"image": _UPLOAD, "prompt": "is read by single-img alone"},
}
REFUSED_CHOICES = {
    "backends/depth": {"given": "reads a depth map on the server's disk"},
    "trajectory": {"custom": "reads a file of cameras on the server's disk"},
}
"""Choices of groups that are not offered, with what they do."""
LARGEST_VALUES = {
    "*max_resolution": 8_192,
    "*.max_px": 8_192,
    "*.resolution_px": 4_096,
    "*.steps": 100_000,
    "*.rounds": 10_000,
    "*.n_frames": 1_000,
    "*.n_closing": 1_000,
    "*.candidates.count": 10_000,
    "*.margin_px": 1_024,
    "*.multiple": 1_024,
    "*.planes": 1_024,
    "*.neighbors": 256,
    "*.features": 100_000,
    "*.exhaustive_up_to": 1_000,
    "*.overlap": 1_000,
    "*max_views": 1_000,
    "flight.frames": 10_000,
    "export.video.fps": 240,
    "*.max_points": 10_000_000,
    "trajectory*.turns": 1_000,
}
"""Knobs that decide how long a job takes and how much memory it needs, with the largest value from outside."""


def refusal(knob: str, job: str) -> str | None:
    """Why a knob may not be set from outside; None where the tables above do not name it."""
    reasons = OF_ANOTHER_JOB.get(job, {}) | REFUSED
    return next((why for pattern, why in reasons.items() if fnmatchcase(knob, pattern)), None)


def largest_value(knob: str) -> int | None:
    """The largest value of a knob from outside, beyond what its class checks."""
    return next((value for pattern, value in LARGEST_VALUES.items() if fnmatchcase(knob, pattern)), None)
