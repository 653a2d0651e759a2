"""Floor 0, the nouns. Imports torch and nothing of ours; errors, messages and `tell` come without torch.

A name's module is loaded when the name is first asked for, so that a command that needs no tensor starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vistadream.core.camera import Camera
    from vistadream.core.checkpoint import Checkpoints, checkpointed_by, current_checkpoints
    from vistadream.core.errors import UserError, short_path, system_error, system_errors
    from vistadream.core.gaussians import Gaussians
    from vistadream.core.messages import Chart, Note, Progress, StageFinished, StageStarted, Summary
    from vistadream.core.names import is_plain_name
    from vistadream.core.protocols import (
        Captioner,
        DepthEstimator,
        Observer,
        Outpainter,
        Renderer,
        Stage,
        TextToImage,
        Trajectory,
    )
    from vistadream.core.scene import DepthPrediction, Rendering, Scene, View
    from vistadream.core.watching import current_observer, silent, tell, watched_by

__all__ = [
    "Camera",
    "Captioner",
    "Chart",
    "Checkpoints",
    "DepthEstimator",
    "DepthPrediction",
    "Gaussians",
    "Note",
    "Observer",
    "Outpainter",
    "Progress",
    "Renderer",
    "Rendering",
    "Scene",
    "Stage",
    "StageFinished",
    "StageStarted",
    "Summary",
    "TextToImage",
    "Trajectory",
    "UserError",
    "View",
    "checkpointed_by",
    "current_checkpoints",
    "current_observer",
    "is_plain_name",
    "short_path",
    "silent",
    "system_error",
    "system_errors",
    "tell",
    "watched_by",
]

_MODULES = ("errors", "messages", "names", "watching", "camera", "gaussians", "scene", "protocols", "checkpoint")
"""Where the names are, those without torch first."""

if not TYPE_CHECKING:  # a type checker reads the imports above, and finds misspelt names

    def __getattr__(name: str) -> Any:
        for module in map(import_module, (f"{__name__}.{m}" for m in _MODULES)) if name in __all__ else ():
            if name in vars(module):
                return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
