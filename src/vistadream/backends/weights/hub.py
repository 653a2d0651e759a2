"""Models on the Hugging Face hub, by its own library, which reads HF_HOME, HF_ENDPOINT and HF_TOKEN."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vistadream.backends.weights.digests import has_digest, remove_download, wrong_bytes
from vistadream.backends.weights.errors import DownloadError, check_space, disk_error
from vistadream.backends.weights.table import Model
from vistadream.core import Progress, UserError, current_observer

_TOKENS = "https://huggingface.co/settings/tokens"


def fetch(model: Model, folder: Path | None = None) -> Path:
    """The folder with the model's files: the hub's cache, or `folder`. Files that exist are not downloaded again.

    Raises DownloadError that says what to do, UserError if the disk is full or an address or token is malformed.
    """
    address = _endpoint()  # before the library is imported, as it reads the variable too
    from huggingface_hub import snapshot_download

    fetch_snapshot: Any = partial(
        snapshot_download,
        model.repository,
        revision=model.revision,
        endpoint=address,
        allow_patterns=list(model.files),
        local_dir=folder,
        tqdm_class=_bar(f"download/{model.name} (MB)/progress"),
    )
    with _explained(model, folder or hub_cache()):
        _check_token()
        missing = [file for file in fetch_snapshot(dry_run=True) if file.will_download]
        check_space(model.name, folder or hub_cache(), sum(file.file_size for file in missing))
        snapshot = Path(fetch_snapshot())
    _verify(model, snapshot)
    return snapshot


def _verify(model: Model, snapshot: Path) -> None:
    """Removes a file that differs from the published one, and raises DownloadError."""
    for name, sha256 in model.sha256.items():
        file = snapshot / name
        if sha256 and file.exists() and not has_digest(file, sha256, name):
            remove_download(file)
            raise wrong_bytes(f"{name} of {model.repository} on the hub", sha256)


def cached(model: Model) -> Path | None:
    """The model's folder in the hub's cache, complete or not; needs neither the library nor the network.

    The layout is documented at https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
    """
    root = hub_cache() / f"models--{model.repository.replace('/', '--')}"
    try:
        commit = (root / "refs" / model.revision).read_text().strip()
    except OSError:
        return None
    return root / "snapshots" / commit


def hub_cache() -> Path:
    """The cache folder of the hub's library: HF_HUB_CACHE, else HF_HOME/hub."""
    return Path(os.environ.get("HF_HUB_CACHE") or hub_home() / "hub").expanduser()


def hub_home() -> Path:
    """HF_HOME, else huggingface/ in XDG_CACHE_HOME or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser()


def offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids the network."""
    asked = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return asked.upper() in ("1", "ON", "YES", "TRUE")


def _endpoint() -> str:
    """The hub's address: HF_ENDPOINT, else the public one."""
    address = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or "https://huggingface.co"
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not _is_plain(address):
        raise UserError(f"HF_ENDPOINT={address} is not the address of a hub; wanted https://HOST, or no HF_ENDPOINT")
    return address


def _check_token() -> None:
    from huggingface_hub import get_token

    if (token := get_token()) and not _is_plain(token):
        raise UserError(
            f"{_token_name()} holds characters that no token has, such as quotation marks, blanks or letters with "
            f"accents; wanted hf_ with letters and digits after it: copy it again from {_TOKENS}"
        )


def _is_plain(text: str) -> bool:
    """Whether the text can be part of an HTTP header: printable ASCII without blanks."""
    return text.isascii() and text.isprintable() and " " not in text


def _token_name() -> str | None:
    """The source of the token, as text for a message; None without a token."""
    from huggingface_hub import get_token

    if not get_token():
        return None
    return "HF_TOKEN" if os.environ.get("HF_TOKEN") else "the token of `hf auth login`"


@contextmanager
def _explained(model: Model, folder: Path) -> Iterator[None]:
    """Turns the library's errors into a DownloadError, and those of the disk into a UserError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
            raise disk_error(folder, error) from error
        if reason := _reason(model, error):
            raise DownloadError(reason) from error
        raise


def _reason(model: Model, error: BaseException) -> str | None:
    """The message for an error of the library or of the network; None for any other error."""
    from huggingface_hub import errors

    where = f"{model.repository} on the hub"
    if isinstance(error, errors.HfHubHTTPError):
        status = getattr(error.response, "status_code", 0)
        return _gate(model, status) if isinstance(error, errors.GatedRepoError) else _refusal(model, where, status)
    if error.__cause__:  # the library wraps the error that happened in one of its own
        return _reason(model, error.__cause__)
    if isinstance(error, OSError) or type(error).__module__.startswith(("httpx", "httpcore")):
        cause = (str(error).splitlines() or [""])[0] or type(error).__name__
        return f"{where} was not reached ({cause}); wanted a connection: docs/weights.md describes mirrors and proxies"
    return None


def _gate(model: Model, status: int) -> str:
    """How to get access to a gated model, and which model to use instead."""
    unknown = (
        f"{_token_name()} is invalid or has expired ({_TOKENS})" if status == 401 else "your token may not read it yet"
    )
    token = unknown if _token_name() else "there is no token"
    others = " or ".join(model.alternatives)
    return (
        f"{model.name} is gated and {token}: accept its license at {model.page}, then run `hf auth login` or set "
        f"HF_TOKEN; without an account use {others or 'the embedded backend'}"
    )


def _refusal(model: Model, where: str, status: int) -> str:
    """What an HTTP status other than success means, and what to do."""
    if status in (404, 410):
        return f"{where} is not there ({status}); wanted its files: they moved, or HF_ENDPOINT is a mirror without them"
    if status not in (401, 403):
        return f"{where} answered {status or 'with an error'}; wanted its files: try later"
    if token := _token_name():
        open_to_all = "" if model.gated else f", or no token, as {model.name} is open to all"
        return (
            f"{where} answered {status}: {token} is invalid, has expired, or may not read this model; wanted a new one "
            f"from {_TOKENS}{open_to_all}"
        )
    return f"{where} answered {status} without a token; wanted one from {_TOKENS} in HF_TOKEN, or another HF_ENDPOINT"


def _bar(name: str) -> Callable[..., Any]:
    """A progress bar for the hub's library that draws nothing and sends the downloaded MB to the run's observer."""
    from huggingface_hub.utils import tqdm

    observe = current_observer()  # looked up here, because the library calls `update` in its own threads

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
