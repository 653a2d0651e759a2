"""The command `vistadream auto`: says what the input is, and which command makes a scene of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from vistadream.app import COMMANDS, job_of_run
from vistadream.config import name_of, unquoted
from vistadream.core import UserError
from vistadream.sources.recognize import recognize

_EXPORTS = {"glb": "point_cloud", "gs_ply": "ply", "gs_video": "video"}
"""The results of Depth Anything 3 that have another name here."""


def choose_job(words: Sequence[str]) -> tuple[str, list[str]]:
    """The kind of job, and its words; prints one line that says why. UserError when no word says what the input is."""
    named = {name_of(word): word for word in words}
    words = [_of_depth_anything(word) for word in words]
    if "resume" in named:
        return job_of_run(unquoted(named["resume"])), words
    if "image" in named or "prompt" in named:
        return "single_img", words
    if "input" not in named:
        raise UserError("auto needs an input; wanted input=PATH: a picture, a folder of pictures, a video or a dataset")
    kind = named.get("source.kind", "source.kind=auto").partition("=")[2]
    found = recognize(unquoted(named["input"]), kind)  # type: ignore[arg-type]  # a wrong kind is refused below
    job = "single_img" if found.is_single else "multi_img"
    sys.stdout.write(f"{found.words}: vistadream {COMMANDS[job]}\n")
    if job == "single_img":
        words = [f"image={found.pictures[0]}" if name_of(word) == "input" else word for word in words]
    return job, words


def _of_depth_anything(word: str) -> str:
    """A list of results as Depth Anything 3 writes it, such as export=glb-npz, as a list of ours."""
    if not (found := re.fullmatch(r"(?:export|export_format)=([a-z_]+(?:-[a-z_]+)*)", word)):
        return word
    return f"export=[{','.join(_EXPORTS.get(name, name) for name in found[1].split('-'))}]"
