"""Floor 0, the nouns. Imports torch and nothing of ours."""

from vistadream.core.camera import Camera
from vistadream.core.gaussians import Gaussians
from vistadream.core.messages import Chart, Note, Progress, StageFinished, StageStarted, Summary
from vistadream.core.protocols import (
    Captioner,
    DepthEstimator,
    Observer,
    Outpainter,
    Renderer,
    Stage,
    Trajectory,
    UserError,
    silent,
)
from vistadream.core.scene import DepthPrediction, Rendering, Scene, View

__all__ = [
    "Camera",
    "Captioner",
    "Chart",
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
    "Trajectory",
    "UserError",
    "View",
    "silent",
]
