"""A cache of encoded prompts on disk: a few megabytes, so that a text encoder of gigabytes need not be loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vistadream.backends.weights.errors import disk_error
from vistadream.backends.weights.hub import hub_home
from vistadream.backends.weights.table import Model
from vistadream.formats.files import new_file

Embeddings = dict[str, Tensor]
"""Argument name -> tensor on the CPU: what a pipeline takes instead of a prompt."""


@dataclass(frozen=True)
class PromptCache:
    """Embeddings by text and encoder, in the folder HF_HOME/vistadream/prompts/ENCODER."""

    encoder: str
    """Name of the text encoder's model; also the folder's name."""
    revision: str
    """What else decides the embeddings: the encoder's source, its revision, the precision."""

    def __call__(self, text: str, encode: Callable[[], Embeddings]) -> Embeddings:
        """The embeddings of `text`, bit for bit as `encode()` computed them the first time.

        A file that cannot be read is replaced. UserError if it cannot be written.
        """
        file = self.file(text)
        try:
            return load_file(file)
        except (OSError, SafetensorError):
            embeddings = {name: tensor.detach().cpu().contiguous() for name, tensor in encode().items()}
        self._write(file, text, embeddings)
        return embeddings

    def file(self, text: str) -> Path:
        """The file with the embeddings of a text."""
        key = hashlib.sha256(json.dumps([self.revision, text]).encode()).hexdigest()
        return hub_home() / "vistadream" / "prompts" / self.encoder / f"{key}.safetensors"

    def _write(self, file: Path, text: str, embeddings: Embeddings) -> None:
        try:
            with new_file(file) as draft:
                save_file(embeddings, draft, metadata={"text": text, "revision": self.revision})
        except OSError as error:
            raise disk_error(file, error) from error


def origin(model: Model, folder: Path | None) -> str:
    """The source of an encoder, for a cache's revision: the table's entry, or a hash of the file sizes in `folder`.

    For an encoder of the table no file is read, so that its cached prompts work without its files.
    """
    if folder is None:
        return f"{model.repository}@{model.revision}"
    files = sorted(path for pattern in model.files for path in folder.glob(pattern))
    sizes = [(str(path.relative_to(folder)), path.stat().st_size) for path in files]
    return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()
