"""The viewer of the page: SuperSplat by npm, which files it needs, and their digests.

Only the standard library is imported here, as the build of a wheel loads this file before anything is installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

DOWNLOAD = "vistadream download viewer"
"""The command that fetches the files."""


class Package(NamedTuple):
    """A package of npm."""

    name: str
    version: str


class Wanted(NamedTuple):
    """A file that the viewer needs."""

    name: str
    """As /lib/ serves it."""
    package: Package
    member: str
    """Its path in the package."""
    sha512: str


_VIEWER = Package("@playcanvas/supersplat-viewer", "1.36.2")
_ENGINE = Package("playcanvas", "2.23.3")
FILES: tuple[Wanted, ...] = (
    Wanted(
        "viewer.js",
        _VIEWER,
        "dist/viewer.js",
        "999cf8310143e3442f95549dee61673249d55252ad80b2d86c78474954394671"
        "1bb9180e3d92737b2aa602258d939954f00f8bceaec1589a2d9f953938ea9b69",
    ),
    Wanted(
        "viewer.css",
        _VIEWER,
        "dist/viewer.css",
        "6e27cc29962e105caa40980789675dbad3d053a172a12316e3431234c8a32a29"
        "86da30aafb97233d667b87d4096b201a9b250e182cd4e93aa6956cd40d5119e5",
    ),
    Wanted(
        "supersplat-viewer.LICENSE.txt",
        _VIEWER,
        "LICENSE",
        "847387f8dc499ec110c4b4fb5d48ee4405afa0ce0eb8810d8978f1dd4ea6b9c2"
        "f4169faddd3b103fc2718bbf4f17bd707866ab925cc0416dbbc5b7ae90d0fd30",
    ),
    Wanted(
        "playcanvas.min.mjs",
        _ENGINE,
        "build/playcanvas.min.mjs",
        "66989f20d199f5a1641320ba91e20bffc6531a6ef10b7f99ee7394de68c4789e"
        "30d1a9c5ac4a4279e5e3b9e22cf7410d027679996e1aabdb389af3fac6dc75a0",
    ),
    Wanted(
        "xr/xr-controllers.mjs",
        _ENGINE,
        "scripts/esm/xr/xr-controllers.mjs",
        "93f84e391a89caf42cde1feef761e5ff0ee4cd384d0be2557544a5b7c659642b"
        "c8340e4751f6059bdf5def0ed52b8705b0ba7bb9cf5e1d0b8604f035a1f1a7e9",
    ),
    Wanted(
        "xr/xr-navigation.mjs",
        _ENGINE,
        "scripts/esm/xr/xr-navigation.mjs",
        "06346ea58607471456d69ab67a0aaf2ac1d552cf89e0b43549cbe0f4c342fd46"
        "6d81d9f5e1b1ff9ad94a2319fabe5143366be9b22060a716272fdb3071afb7e6",
    ),
    Wanted(
        "playcanvas.LICENSE.txt",
        _ENGINE,
        "LICENSE",
        "d69213f80575c7d6f2a6a3d188f18eade291a21f152361bbc3a9256ee7547e78"
        "180c35b454e8f9b17c96dfd8abbd12bd0d70361b6ba103eec9bddd00b4c0fa7d",
    ),
)
_WITHIN_S = 300


class ViewerError(Exception):
    """The files of the viewer could not be had; one sentence says why."""


def is_complete(folder: Path) -> bool:
    """Whether all files are in a folder. Each was checked before it got there."""
    return all((folder / wanted.name).is_file() for wanted in FILES)


def fetch_viewer(folder: Path) -> list[Path]:
    """Puts the files that a folder lacks into it, by npm; their paths. ViewerError when they cannot be had."""
    missing = [wanted for wanted in FILES if not (folder / wanted.name).is_file()]
    with tempfile.TemporaryDirectory() as scratch:
        contents = {wanted: _content(wanted, Path(scratch)) for wanted in missing}
    return [_put(folder / wanted.name, content) for wanted, content in contents.items()]


def _content(wanted: Wanted, scratch: Path) -> bytes:
    """A file of a package, which is fetched at first need; ViewerError unless it has the digest of the table."""
    place = scratch / wanted.package.name.replace("/", "+")
    if not place.is_dir():
        place.mkdir()
        _pack(wanted.package, place)
    try:
        with tarfile.open(next(place.glob("*.tgz"))) as archive:
            content = archive.extractfile(f"package/{wanted.member}").read()
    except (StopIteration, KeyError, OSError, tarfile.TarError) as error:
        raise ViewerError(f"{wanted.member} is not in the package {wanted.package.name}: {error}") from error
    if hashlib.sha512(content).hexdigest() != wanted.sha512:
        raise ViewerError(f"{wanted.member} of {wanted.package.name} is not the file of its digest; it was left out")
    return content


def _pack(package: Package, place: Path) -> None:
    """Has npm put the archive of a package into a folder; nothing of the package is run."""
    words = ["npm", "pack", "--ignore-scripts", "--silent", "--fetch-retries=0", f"{package.name}@{package.version}"]
    try:
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=_WITHIN_S)
    except FileNotFoundError as error:
        raise ViewerError("there is no npm; wanted the program of Node.js that fetches the viewer") from error
    except subprocess.TimeoutExpired as error:
        raise ViewerError(f"npm did not fetch {package.name} within {_WITHIN_S} s; wanted a network") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise ViewerError(f"npm could not fetch {package.name}: {last}")


def _put(path: Path, content: bytes) -> Path:
    """Writes a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    return part.replace(path)
