"""batch.json: what each start of a batch was about, so that no folder is taken for that of another batch."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vistadream.batch.folder import BatchFolder
from vistadream.batch.remote import absolute, is_url
from vistadream.core import UserError
from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json
from vistadream.version import __version__

if TYPE_CHECKING:  # they import torch, which `vistadream batch status` does without
    from vistadream.batch.knobs import Knobs
    from vistadream.batch.recipes import Recipes

_SAME = ("images", "knobs")
"""What two starts of one batch have in common."""


def check_places(knobs: Knobs) -> str:
    """What `images=` names, absolute. UserError where it is missing, or where OUT cannot be the folder of a batch."""
    if knobs.images is None:
        raise UserError("there are no images; wanted a folder of pictures: vistadream batch images=DIR out=OUT")
    images, out = absolute(knobs.images), knobs.folder
    if out.exists() and not out.is_dir():
        raise UserError(f"out={knobs.out} is a file; wanted a folder: choose another one")
    inner, outer = (_real(place) for place in (knobs.out if is_url(knobs.out) else str(out), images))
    if inner == outer:
        raise UserError(f"out={knobs.out} is the folder of the images; wanted another one")
    if inner.startswith(f"{outer}/") and (is_url(images) or os.path.isdir(images)):
        raise UserError(f"out={knobs.out} lies inside of images={knobs.images}; wanted a folder outside of it")
    return images


def _real(place: str) -> str:
    return place.rstrip("/") if is_url(place) else os.path.realpath(place).rstrip("/")


def check_start(folder: BatchFolder, images: str, recipes: Recipes, add: bool) -> None:
    """UserError where the folder is that of another batch, or of something else."""
    earlier = starts_of(folder)
    about = _about(images, recipes)
    if any(all(each.get(key) == about[key] for key in _SAME) for each in earlier):
        return
    if earlier and not add:
        raise UserError(
            f"out={folder.root} is the folder of a batch with other knobs or images; wanted the same words again, "
            "another folder, or batch.add=true, which adds these scenes to it"
        )
    if not earlier and folder.root.is_dir() and any(os.scandir(folder.root)) and not folder.plan.exists():
        raise UserError(f"out={folder.root} holds other files; wanted a new folder, or that of a batch")


def note_start(folder: BatchFolder, images: str, recipes: Recipes, engine: str) -> None:
    """Adds a start that is the first of its kind to batch.json."""
    for place in (folder.work, folder.items):
        place.mkdir(parents=True, exist_ok=True)
    earlier, about = starts_of(folder), _about(images, recipes)
    if any(all(each.get(key) == about[key] for key in _SAME) for each in earlier):
        return
    more = {
        "words": [list(recipe.words) for recipe in recipes.common],
        "engine": engine,
        "vistadream": __version__,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with new_file(folder.batch_json) as draft:
        write_json(draft, {"starts": [*earlier, {**about, **more}]})


def starts_of(folder: BatchFolder) -> list[dict[str, Any]]:
    """The starts with different words so far. UserError where batch.json is not whole."""
    try:
        return [dict(start) for start in read_json(folder.batch_json)["starts"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder.batch_json} cannot be read ({error}); wanted a whole one: move it away, and the next start "
            "writes it anew"
        ) from error


def _about(images: str, recipes: Recipes) -> dict[str, Any]:
    return {"images": images, "knobs": sorted(recipe.key for recipe in recipes.common)}
