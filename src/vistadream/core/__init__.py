"""Floor 0: the nouns and the contracts between them. Imports torch, and no other room of this package.

The module of a name is loaded when the name is first used. Errors, messages and `tell` therefore work without torch,
and a command that needs no tensor starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vistadream.core.camera import Camera
    from vistadream.core.checkpoint import Checkpoints, current_checkpoints, use_checkpoints
    from vistadream.core.errors import Cancelled, FullMemoryError, UserError, short_path, system_error, system_errors
    from vistadream.core.gaussians import Gaussians
    from vistadream.core.messages import (
        Chart,
        Message,
        Note,
        Progress,
        RunEnded,
        RunStarted,
        StageFinished,
        StageStarted,
        Summary,
    )
    from vistadream.core.names import group_of, is_plain_name, natural_order, role_of
    from vistadream.core.observing import current_observer, silent, tell, use_observer
    from vistadream.core.protocols import (
        Captioner,
        DepthEstimator,
        ExportContext,
        Exporter,
        FeatureModel,
        Flight,
        GaussianInitializer,
        MultiViewDepth,
        ObservedRun,
        Observer,
        ObserverKnobs,
        Outpainter,
        PoseEstimator,
        Prepares,
        ReadsFiles,
        Recorded,
        Renderer,
        Source,
        Stage,
        TextToImage,
        Trajectory,
    )
    from vistadream.core.registration import Registration, SparsePoints
    from vistadream.core.scene import (
        DepthPrediction,
        DepthSource,
        PlacedPhoto,
        Rendering,
        Scene,
        SceneReach,
        Splats,
        View,
    )
    from vistadream.core.work_folder import current_work_folder, use_work_folder

__all__ = [
    "Camera",
    "Cancelled",
    "Captioner",
    "Chart",
    "Checkpoints",
    "DepthEstimator",
    "DepthPrediction",
    "DepthSource",
    "ExportContext",
    "Exporter",
    "FeatureModel",
    "Flight",
    "FullMemoryError",
    "GaussianInitializer",
    "Gaussians",
    "Message",
    "MultiViewDepth",
    "Note",
    "ObservedRun",
    "Observer",
    "ObserverKnobs",
    "Outpainter",
    "PlacedPhoto",
    "PoseEstimator",
    "Prepares",
    "Progress",
    "ReadsFiles",
    "Recorded",
    "Registration",
    "Renderer",
    "Rendering",
    "RunEnded",
    "RunStarted",
    "Scene",
    "SceneReach",
    "Source",
    "SparsePoints",
    "Splats",
    "Stage",
    "StageFinished",
    "StageStarted",
    "Summary",
    "TextToImage",
    "Trajectory",
    "UserError",
    "View",
    "current_checkpoints",
    "current_observer",
    "current_work_folder",
    "group_of",
    "is_plain_name",
    "natural_order",
    "role_of",
    "short_path",
    "silent",
    "system_error",
    "system_errors",
    "tell",
    "use_checkpoints",
    "use_observer",
    "use_work_folder",
]

_MODULES = (
    *("errors", "messages", "names", "observing", "work_folder"),
    *("camera", "gaussians", "registration", "scene", "protocols", "checkpoint"),
)
"""The modules that define the names; those that do not import torch come first."""

if not TYPE_CHECKING:  # a type checker reads the imports above instead, and so finds misspelled names

    def __getattr__(name: str) -> Any:
        for module in map(import_module, (f"{__name__}.{m}" for m in _MODULES)) if name in __all__ else ():
            if name in vars(module):
                return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
