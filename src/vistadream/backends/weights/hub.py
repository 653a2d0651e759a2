"""Models on the Hugging Face hub, by its own library, which honours HF_HOME, HF_ENDPOINT and HF_TOKEN."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from vistadream.backends.weights.digests import has_digest, wrong_bytes
from vistadream.backends.weights.errors import DownloadError, check_space, disk_error
from vistadream.backends.weights.table import Model
from vistadream.core import Progress, current_observer


def fetch(model: Model, folder: Path | None = None) -> Path:
    """The folder with the model's files: the hub's cache, or `folder`. What is here already is not fetched again.

    Raises DownloadError with what to do, UserError when there is no room.
    """
    from huggingface_hub import snapshot_download

    fetch_snapshot: Any = partial(
        snapshot_download,
        model.repository,
        revision=model.revision,
        allow_patterns=list(model.files),
        local_dir=folder,
        tqdm_class=_bar(f"download/{model.name} (MB)/progress"),
    )
    with _explained(model, folder or hub_cache()):
        missing = [file for file in fetch_snapshot(dry_run=True) if file.will_download]
        check_space(model.name, folder or hub_cache(), sum(file.file_size for file in missing))
        snapshot = Path(fetch_snapshot())
    _verify(model, snapshot)
    return snapshot


def _verify(model: Model, snapshot: Path) -> None:
    """Removes a file that has other bytes than the published ones and raises DownloadError."""
    for name, sha256 in model.sha256.items():
        file = snapshot / name
        if file.exists() and not has_digest(file, sha256, name):
            file.resolve().unlink()  # in the cache `file` is a link
            file.unlink(missing_ok=True)
            raise wrong_bytes(f"{name} of {model.repository} on the hub", sha256)


def cached(model: Model) -> Path | None:
    """The model's folder in the hub's cache, complete or not, found without the library and without the network.

    The layout is documented at https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
    """
    root = hub_cache() / f"models--{model.repository.replace('/', '--')}"
    try:
        commit = (root / "refs" / model.revision).read_text().strip()
    except OSError:
        return None
    return root / "snapshots" / commit


def hub_cache() -> Path:
    """Where the hub's library keeps its files: HF_HUB_CACHE, else HF_HOME/hub."""
    return Path(os.environ.get("HF_HUB_CACHE") or hub_home() / "hub").expanduser()


def hub_home() -> Path:
    """HF_HOME, else huggingface/ in XDG_CACHE_HOME or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser()


def offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids the network."""
    asked = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return asked.upper() in ("1", "ON", "YES", "TRUE")


@contextmanager
def _explained(model: Model, folder: Path) -> Iterator[None]:
    """The library's errors as one DownloadError, the disk's as one UserError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
            raise disk_error(folder, error) from error
        if reason := _reason(model, error):
            raise DownloadError(reason) from error
        raise


def _reason(model: Model, error: BaseException) -> str | None:
    """What to tell of an error of the library or of the network; None when it is neither's."""
    from huggingface_hub import errors

    where = f"{model.repository} on the hub"
    match error:
        case errors.GatedRepoError():
            return _gate(model)
        case errors.RepositoryNotFoundError():
            return f"{where} is not there, or HF_TOKEN may not read it; wanted a model that it may"
        case errors.HfHubHTTPError():
            return f"{where} answered {getattr(error.response, 'status_code', 'an error')}; wanted its files: try later"
    if error.__cause__:  # the library wraps what happened in what it was about
        return _reason(model, error.__cause__)
    if isinstance(error, OSError) or type(error).__module__.startswith(("httpx", "httpcore")):
        words = (str(error).splitlines() or [""])[0] or type(error).__name__
        return f"{where} was not reached ({words}); wanted a way to it: docs/weights.md tells of mirrors and proxies"
    return None


def _gate(model: Model) -> str:
    """What a person does to pass the gate of a model, and what to use instead."""
    from huggingface_hub import get_token

    token = "your token may not read it yet" if get_token() else "there is no token"
    others = " or ".join(model.alternatives)
    return (
        f"{model.name} is gated and {token}: accept its licence at {model.page}, then run `hf auth login` or set "
        f"HF_TOKEN; without an account use {others or 'the embedded backend'}"
    )


def _bar(name: str) -> Callable[..., Any]:
    """A bar for the hub's library that draws nothing and tells the run's observer how many MB are here."""
    from huggingface_hub.utils import tqdm

    observe = current_observer()  # the library counts in threads of its own

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any):
            self._counts_bytes = options.get("unit") == "B"
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if self._counts_bytes and self.total:
                total = -(-self.total // 10**6)
                observe(name, Progress(min(int(self.n) // 10**6, total), total))

    return Bar
