"""What the painter does, in its own process (`painter.py`). It reads run folders and changes none."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from vistadream.app import job_from_words
from vistadream.config.build import configured
from vistadream.core import Camera, Scene, UserError
from vistadream.exporters.flight import SceneFlight
from vistadream.exporters.viewer_flight import flight_of, flight_settings
from vistadream.formats.files import new_file
from vistadream.formats.scene import load_scene
from vistadream.ops.camera_path.pose import reach_of
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.paths import RunPaths

_ENDS_AFTER_S = 300
"""Without a request for this long the process ends, so that its memory is free."""
_NICE = 10


def main() -> None:
    """Answers requests until the pipe is closed or nobody asks. What libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server too, which closes the pipe
    os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    while select.select([sys.stdin], [], [], _ENDS_AFTER_S)[0] and (line := sys.stdin.readline()):
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a request is answered: under "answer", or under "error" the sentence."""
    try:
        scene = _scene(request["run"], request["stage"])
        if request["do"] == "settings":
            return {"answer": _settings(scene, request["words"], request["job"])}
        _draw(scene, Path(request["target"]), request["px"])
    except UserError as error:
        return {"error": str(error).replace(f"{request['run']}/", "")}
    return {"answer": None}


@lru_cache(1)
def _scene(run: str, stage: str) -> Scene:
    return load_scene(RunPaths(Path(run)).stage(stage))


def _draw(scene: Scene, target: Path, px: int) -> None:
    """Draws the scene at the photo's pose by the CPU renderer; of one without Gaussians the photo.

    A small scene is drawn in its own size and then enlarged, as gaps open between Gaussians that are seen too closely.
    """
    photo = scene.anchor.camera
    size = _size(photo, px / max(photo.width, photo.height))
    if len(scene.gaussians):
        drawn = photo.resize(*_size(photo, min(1.0, px / max(photo.width, photo.height))))
        (seen,) = configured("backends/render=cpu")(scene.gaussians, [drawn], want=("rgb",))
        picture = Image.fromarray(to_uint8(seen.require("rgb")))
    else:
        picture = Image.fromarray(to_uint8(scene.anchor.rgb))
    with new_file(target) as draft:
        picture.resize(size, Image.Resampling.LANCZOS).save(draft, "JPEG", quality=85)


def _size(camera: Camera, scale: float) -> tuple[int, int]:
    return max(1, round(camera.width * scale)), max(1, round(camera.height * scale))


def _settings(scene: Scene, words: list[str] | None, kind: str) -> dict[str, Any]:
    """The viewer's settings, with the flight of the job's words where there are any."""
    photo, cameras = scene.anchor.camera, []
    if words is not None and len(scene.gaussians):
        job = job_from_words(words, job=kind)
        cameras = [*SceneFlight(scene, job.trajectory, job.flight_frames, job.renderer, _unseen).cameras()]
    return flight_settings(flight_of(photo, cameras), reach_of(scene.anchor).focus_z)


def _unseen(name: str, value: Any, step: int | None = None) -> None:
    """An Observer that shows nothing."""
