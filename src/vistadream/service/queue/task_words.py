"""The words of a job as its run gets them: with the paths of its input."""

from __future__ import annotations

from pathlib import Path

from vistadream.config.words import CAMERA_PATH
from vistadream.service.queue.tables import JobRow

_INPUT_KNOB = {"single_img": "image", "multi_img": "input"}


def task_words(job: JobRow, folder: Path) -> tuple[str, ...]:
    """The words of a job whose input is in a folder."""
    words = [_whole_path(word, folder) for word in job.words]
    if job.input_name:
        words.append(f"{_INPUT_KNOB[job.kind]}={folder / job.input_name}")
    return tuple(words)


def _whole_path(word: str, folder: Path) -> str:
    """The word for the cameras of a request, which names a file of the job's input, with the path of that."""
    name = word.removeprefix(f"{CAMERA_PATH}=")
    return word if name == word else f"{CAMERA_PATH}={folder / name}"
