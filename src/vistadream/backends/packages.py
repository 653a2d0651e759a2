"""Packages that only some backends need: how to install each, and the error if one is missing."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from vistadream.core import UserError

_MOGE = "pip install --no-deps dlr-moge==2.0.0 dlr-utils3d==1.3"
_DA3 = "pip install --no-deps depth-anything-3==0.1.1 addict==2.4.0 einops==0.8.2"
INSTALL = {
    "moge": _MOGE,
    "utils3d": _MOGE,
    "depth_anything_3": _DA3,
    "addict": _DA3,
    "einops": _DA3,
    "scipy": "pip install 'vistadream[models]'",
    "accelerate": "pip install 'vistadream[models]'",
    "diffusers": "pip install 'vistadream[models]'",
    "transformers": "pip install 'vistadream[models]'",
    "huggingface_hub": "pip install 'vistadream[models]'",
    "diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint": "pip install 'diffusers>=0.38'",
    "gsplat": "pip install 'vistadream[gpu]'",
}
"""Import name -> the command that installs it. Why some come with --no-deps: docs/decisions/0002 and 0003."""


def installed(package: str) -> bool:
    """Whether the package, or the module in a package, is installed; it is not imported."""
    name, _, module = package.partition(".")
    found = folder(name)
    return found is not None and (not module or found.joinpath(*module.split(".")).with_suffix(".py").is_file())


def folder(package: str) -> Path | None:
    """The folder of the package, or None; it is not imported.

    Depth Anything 3 is published without an `__init__.py`. Any folder of its name would look like that, so a package of
    this kind must hold Python files.
    """
    found = find_spec(package)
    if found and found.origin:
        return Path(found.origin).parent
    places = map(Path, (found and found.submodule_search_locations) or ())
    return next((place for place in places if any(place.glob("*.py"))), None)


def load(module: str) -> ModuleType:
    """The imported module. UserError, with the command to run, if its package or one that it imports is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        if missing not in INSTALL:
            raise
        raise UserError(f"the package {missing} is not installed; wanted it: {INSTALL[missing]}") from error
