"""Files whose publisher names no digest: that of the first download is kept, and later downloads must have it."""

from __future__ import annotations

from pathlib import Path

from vistadream.backends.weights.digests import remove_download
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.hub import hub_home
from vistadream.backends.weights.table import Model
from vistadream.core import Note, tell
from vistadream.formats.files import sha256_of


def keep_first_digests(model: Model, folder: Path) -> None:
    """Keeps the sha256 of such files of the model, which were downloaded into `folder`, and says it.

    A file with another sha256 than that of the first download is removed; DownloadError says how to accept it.
    """
    for name in (name for name, sha256 in model.sha256.items() if sha256 is None):
        kept = hub_home() / "vistadream" / "digests" / model.name / f"{name}.sha256"
        _compare(folder / name, kept)


def _compare(file: Path, kept: Path) -> None:
    found = sha256_of(file)
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"{found}  {file.name}\n")
        words = f"{file.name}: its publisher names no sha256; that of this download is {found}, kept in {kept}"
        return tell(f"download/{file.name}", Note(words))
    first = kept.read_text().split()[0]
    if found != first:
        remove_download(file)
        raise DownloadError(
            f"{file.name} has other bytes (sha256 {found[:12]}...) than at its first download ({first[:12]}...), so it "
            f"was changed by its publisher or on the way; wanted the same: to accept another one, remove {kept}"
        )
