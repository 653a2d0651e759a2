"""What an input is: one picture, several, a video, or pictures whose cameras are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image

from vistadream.core import UserError, system_errors
from vistadream.formats.video_frames import VIDEOS, is_video
from vistadream.sources.input_paths import Input, input_paths
from vistadream.sources.pictures import SUFFIXES, pictures_in, without_depth_maps
from vistadream.sources.posed.kinds import POSED, PosedKind

Kind = Literal["images", "video", PosedKind]
"""What an input can be."""
_HEIF = (".heic", ".heif", ".avif")
"""Pictures that ffmpeg takes for videos."""
_MOVING = ("GIF", "WEBP", "PNG")
"""Formats of Pillow in which several pictures are a video; in others they are versions of one picture."""


@dataclass(frozen=True)
class Recognized:
    """What `input=` names."""

    kind: Kind
    place: Path
    """The one file or folder; of a list the first file."""
    words: str
    """What it is, in a few words, such as "12 pictures in photos"."""
    pictures: tuple[Path, ...] = ()
    """The pictures of the kind "images"."""
    also: tuple[str, ...] = ()
    """What else the folder holds, in words."""

    @property
    def is_single(self) -> bool:
        """Whether it is one picture, from which `single-img` makes a scene."""
        return len(self.pictures) == 1


def recognize(named: Input | None, kind: Literal[Kind, "auto"] = "auto") -> Recognized:
    """What `input=` names, of the given kind unless it is auto; UserError when it is none of the kinds."""
    paths = input_paths(named)
    if len(paths) > 1:
        return _several(paths, kind)
    (path,) = paths
    with system_errors():
        return _one(path, kind)


def _one(path: Path, kind: str) -> Recognized:
    found = _in_folder(path) if path.is_dir() else _of_file(path)
    chosen = next((each for each in found if kind in ("auto", each.kind)), None)
    if chosen is None:
        raise UserError(_unknown(path, kind))
    return replace(chosen, also=(*(each.words for each in found if each is not chosen), *chosen.also))


def _several(paths: tuple[Path, ...], kind: str) -> Recognized:
    if folder := next((path for path in paths if path.is_dir()), None):
        raise UserError(f"input= is a list that holds the folder {folder}; wanted picture files only, or one folder")
    if kind not in ("auto", "images"):
        raise UserError(f"input= names {len(paths)} files; wanted one path for source.kind={kind}")
    return _pictures(paths[0], paths, "")


def _in_folder(folder: Path) -> list[Recognized]:
    """Everything that a folder can be taken for, the first choice first."""
    posed = [(kind, each.words) for kind, each in POSED.items() if each.is_in(folder)]
    found = [Recognized(kind, folder, f"{words} in {folder}") for kind, words in posed]
    pictures = pictures_in(folder)
    return [*found, _pictures(folder, pictures, f" in {folder}")] if pictures else found


def _pictures(place: Path, files: Sequence[Path], where: str) -> Recognized:
    pictures = without_depth_maps(files)
    count = "one picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    maps = len(files) - len(pictures)
    also = (f"{maps:,} depth maps (gray levels of 16 bits)",) if maps else ()
    return Recognized("images", place, f"{count}{where}", pictures, also)


def _of_file(path: Path) -> list[Recognized]:
    if not path.is_file():
        return []
    if path.suffix.lower() == ".json":
        return [Recognized("nerfstudio", path, f"cameras in {path}")]
    picture = Recognized("images", path, f"one picture, {path}", (path,))
    form, frames = _pillow_says(path)
    moving = frames > 1 and form in _MOVING
    if form and not moving:
        return [picture]
    if moving or (path.suffix.lower() not in _HEIF and is_video(path)):
        return [Recognized("video", path, f"the video {path}")]
    return [picture] if path.suffix.lower() in SUFFIXES else []


def _pillow_says(path: Path) -> tuple[str | None, int]:
    """The format of a picture and how many pictures it holds; None when Pillow does not know it."""
    try:
        with Image.open(path) as image:
            return image.format, getattr(image, "n_frames", 1)
    except Exception:  # Pillow can raise any exception on a damaged file
        return None, 0


def _unknown(path: Path, kind: str) -> str:
    """Why a path is not of the kind, and what to do."""
    if kind != "auto" and not (path.is_dir() and kind == "images"):
        return f"{path} is nothing for source.kind={kind}; wanted another path, or source.kind=auto"
    if not path.is_dir():
        return (
            f"{path} is neither a picture nor a video that can be read; wanted pictures or a video ({VIDEOS}): check "
            "its path or convert it"
        )
    inside = sorted(path.iterdir(), key=lambda each: (each.name != "images", each.name))
    if inner := next((each for each in inside if each.is_dir() and pictures_in(each)), None):
        return f"{path} holds no pictures (subfolders are not searched); wanted a folder of pictures, such as {inner}"
    if clip := next((each for each in inside if each.is_file() and is_video(each)), None):
        return f"{path} holds no pictures; wanted two or more, or a video: name the file itself, as in input={clip}"
    return f"{path} holds no pictures; wanted a folder with two pictures or more, or a video file"
