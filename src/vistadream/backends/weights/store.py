"""The folder with a model's files: named by the user, found on this machine, or downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from vistadream.backends.weights import hub
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.first_digests import keep_first_digests
from vistadream.backends.weights.table import MODELS, Model
from vistadream.core import Note, UserError, tell
from vistadream.formats.json_file import read_json

Source = Callable[[Model, Path | None], Path]
"""Downloads a model's files into a folder, or into the source's own cache, and returns the folder."""


def folder_of(model: Model, path: Path | None = None, accept_noncommercial: bool = False) -> Path:
    """The folder with all files of the model; downloads them if they are missing. Backends call this.

    `path`: a folder that the user names, or the file itself if the model is a single file. Raises UserError for a
    license that is not accepted, a folder that lacks files, or files that cannot be downloaded.
    """
    check_license(model, accept_noncommercial)
    return named(model, path) if path else find(model) or download(model)


def find(model: Model) -> Path | None:
    """The folder with all files of the model if they are on this machine, else None; does not use the network."""
    folders = (_own_folder(model), hub.cached(model))
    return next((folder for folder in folders if folder and not lacking(model, folder)), None)


def lacking(model: Model, folder: Path) -> list[str]:
    """Patterns of the model's files without a match in `folder`, and missing shards that an index lists."""
    found = {pattern: list(folder.glob(pattern)) for pattern in model.files}
    indices = [file for files in found.values() for file in files if file.name.endswith(".safetensors.index.json")]
    return [pattern for pattern, files in found.items() if not files] + [
        str((index.parent / shard).relative_to(folder))
        for index in indices
        for shard in sorted(set(read_json(index)["weight_map"].values()))
        if not (index.parent / shard).exists()
    ]


def check_license(model: Model, accept_noncommercial: bool) -> None:
    """Raises UserError for a non-commercial model unless the user accepts that."""
    if not model.license.commercial and not accept_noncommercial:
        others = " or ".join(model.alternatives) or f"backends/{model.role}={model.without_weights}"
        raise UserError(
            f"{model.name} may not be used commercially ({model.license.name}, {model.license.url}): read the license "
            f"and say accept_noncommercial=true (`vistadream download --accept-noncommercial`), or use {others}"
        )


def check_source(models: Sequence[Model], source: str | None) -> None:
    """Raises UserError that names every model that `source` does not have; None stands for all sources."""
    if source and (elsewhere := [model.name for model in models if source not in model.sources]):
        offered = ", ".join(model.name for model in MODELS.values() if source in model.sources) or "no model"
        common = [name for name in models[0].sources if all(name in model.sources for model in models)]
        raise UserError(
            f"{', '.join(elsewhere)}: not available from {source!r}, which has {offered}; "
            f"wanted --source {' or '.join(common)}, or none"
        )


def download(model: Model, into: Path | None = None, source: str | None = None) -> Path:
    """Downloads the model's files into the cache, or into a folder of its name in `into`, and returns the folder.

    The sources are tried in turn, or `source` alone. Raises DownloadError with the reason of each source if all fail,
    UserError for network settings that cannot be used.
    """
    if find_spec("huggingface_hub") is None or find_spec("httpx") is None:
        raise UserError(f"{model.name} cannot be fetched without the extra `models`: pip install 'vistadream[models]'")
    if hub.offline():
        raise UserError(
            f"{model.name} is not here and HF_HUB_OFFLINE is set; unset it, or name a copy by the knob `path`"
        )
    from vistadream.backends.weights.network import checked_settings

    with checked_settings():
        return _from_first(_sources(model, source), model, into / model.name if into else None)


def _from_first(sources: Mapping[str, Source], model: Model, folder: Path | None) -> Path:
    """The folder with the model's files, from the first source that has them."""
    reasons: list[str] = []
    for name, fetch in sources.items():
        tell(f"download/{model.name}", Note(f"{model.name}: about {model.bytes_about / 1e9:.1f} GB from {name}"))
        try:
            fetched = _complete(model, fetch(model, folder))
            keep_first_digests(model, fetched)
            return fetched
        except DownloadError as error:
            reasons.append(f"{name}: {error}")
            if len(reasons) < len(sources):
                tell(f"download/{model.name}", Note(f"not from {reasons[-1]}", "warning"))
    raise DownloadError("; ".join(reasons) if len(reasons) > 1 else reasons[0].partition(": ")[2])


def _complete(model: Model, folder: Path) -> Path:
    if missing := lacking(model, folder):
        raise DownloadError(
            f"{model.name} came without {', '.join(missing)}: the repository has changed; wanted a newer VistaDream"
        )
    return folder


def _sources(model: Model, wanted: str | None) -> dict[str, Source]:
    check_source([model], wanted)
    return {name: hub.fetch if name == "hub" else _from_mirror for name in ([wanted] if wanted else model.sources)}


def _from_mirror(model: Model, folder: Path | None) -> Path:
    from vistadream.backends.weights import direct

    folder = folder or _own_folder(model)
    for name, sha256 in model.sha256.items():
        direct.fetch(model.mirror.url + name, folder / name, sha256)
    return folder


def _own_folder(model: Model) -> Path:
    """The folder for files from a mirror: next to the hub's cache, so that HF_HOME moves everything."""
    return hub.hub_home() / "vistadream" / model.name


def named(model: Model, path: Path) -> Path:
    """The folder with the model's files that the user names, by itself or by a file in it; UserError if some lack."""
    folder = path.parent if path.is_file() and path.name in model.files else path
    if not folder.is_dir():
        raise UserError(f"{path} is not a folder; wanted one with {', '.join(model.files)} of {model.name}")
    if missing := lacking(model, folder):
        raise UserError(f"{path} lacks {', '.join(missing)}; wanted all files of {model.name} ({model.page})")
    return folder
