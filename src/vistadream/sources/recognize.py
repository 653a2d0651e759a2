"""What an input is: one picture, several, a video, or pictures whose cameras are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from vistadream.core import UserError, short_path
from vistadream.formats.video_frames import VIDEOS, is_video
from vistadream.sources.input_paths import input_paths
from vistadream.sources.pictures import SUFFIXES, pictures_in

Kind = Literal["images", "video"]
_HEIF = (".heic", ".heif", ".avif")
"""Pictures that ffmpeg takes for videos."""
_MOVING = ("GIF", "WEBP", "PNG")
"""Formats of Pillow in which several pictures are a video; in others they are versions of one picture."""


@dataclass(frozen=True)
class Recognized:
    """What `input=` names."""

    kind: Kind
    paths: tuple[Path, ...]
    """The pictures, else the one file or folder."""
    words: str
    """What it is, in a few words, such as "12 pictures in photos"."""
    also: tuple[str, ...] = ()
    """What else the folder holds, in words."""

    @property
    def is_single(self) -> bool:
        """Whether it is one picture, from which `single-img` makes a scene."""
        return self.kind == "images" and len(self.paths) == 1


def recognize(words: str, kind: Literal[Kind, "auto"] = "auto") -> Recognized:
    """What the words of `input=` name, of the given kind unless it is auto; UserError when it is none of the kinds."""
    paths = input_paths(words)
    if len(paths) > 1:
        return _several(words, paths, kind)
    (path,) = paths
    found = _in_folder(path) if path.is_dir() else _of_file(path)
    for i, each in enumerate(found):
        if kind in ("auto", each.kind):
            others = tuple(other.words for j, other in enumerate(found) if j != i)
            return Recognized(each.kind, each.paths, each.words, others)
    raise UserError(_unknown(path, kind))


def _several(words: str, paths: tuple[Path, ...], kind: str) -> Recognized:
    if folder := next((path for path in paths if path.is_dir()), None):
        raise UserError(
            f"input={short_path(words)} is a list that holds the folder {folder}; wanted picture files only"
        )
    if kind not in ("auto", "images"):
        raise UserError(f"input={short_path(words)} names {len(paths)} files; wanted one path for source.kind={kind}")
    return Recognized("images", paths, f"{len(paths)} pictures")


def _in_folder(folder: Path) -> list[Recognized]:
    """Everything that a folder can be taken for, the first choice first."""
    finders: tuple[Callable[[Path], Recognized | None], ...] = (_pictures,)
    return [found for finder in finders if (found := finder(folder))]


def _pictures(folder: Path) -> Recognized | None:
    pictures = tuple(pictures_in(folder))
    count = "one picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    return Recognized("images", pictures, f"{count} in {folder}") if pictures else None


def _of_file(path: Path) -> list[Recognized]:
    form, frames = _pillow_says(path)
    moving = frames > 1 and form in _MOVING
    if form and not moving:
        return [Recognized("images", (path,), f"one picture, {path}")]
    if moving or (path.suffix.lower() not in _HEIF and is_video(path)):
        return [Recognized("video", (path,), f"the video {path}")]
    return [Recognized("images", (path,), f"one picture, {path}")] if path.suffix.lower() in SUFFIXES else []


def _pillow_says(path: Path) -> tuple[str | None, int]:
    """The format of a picture and how many pictures it holds; None when Pillow does not know it."""
    try:
        with Image.open(path) as image:
            return image.format, getattr(image, "n_frames", 1)
    except Exception:
        return None, 0


def _unknown(path: Path, kind: str) -> str:
    if not path.is_dir():
        wanted = f"a file for source.kind={kind}" if kind != "auto" else f"pictures or a video ({VIDEOS})"
        return (
            f"{path} is neither a picture nor a video that can be read; wanted {wanted}: check its path or convert it"
        )
    if kind != "auto":
        return f"{path} holds nothing for source.kind={kind}; wanted another kind or folder: source.kind=auto finds it"
    inside = sorted(path.iterdir(), key=lambda each: (each.name != "images", each.name))
    if inner := next((each for each in inside if each.is_dir() and pictures_in(each)), None):
        return f"{path} holds no pictures (subfolders are not searched); wanted a folder of pictures, such as {inner}"
    if clip := next((each for each in inside if each.is_file() and is_video(each)), None):
        return f"{path} holds no pictures; wanted two or more, or a video: name the file itself, as in input={clip}"
    return f"{path} holds no pictures; wanted a folder with two pictures or more, or a video file"
