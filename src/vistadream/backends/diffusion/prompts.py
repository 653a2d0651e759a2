"""Prompts that were encoded before, on disk: a few megabytes stand for gigabytes of text encoder."""

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
"""What a pipeline takes in place of a prompt, by the names of its arguments; on the CPU."""


@dataclass(frozen=True)
class PromptCache:
    """Embeddings by text and encoder, in HF_HOME/vistadream/prompts/ENCODER."""

    encoder: str
    """Name of the text encoder's model: a folder."""
    revision: str
    """Whatever else decides the embeddings: where the encoder comes from, its revision, the precision."""

    def __call__(self, text: str, encode: Callable[[], Embeddings]) -> Embeddings:
        """The embeddings of `text`, bit for bit as `encode()` made them the first time.

        A file that cannot be read is made anew. UserError when it cannot be written.
        """
        file = self.file(text)
        try:
            return load_file(file)
        except (OSError, SafetensorError):
            embeddings = {name: tensor.detach().cpu().contiguous() for name, tensor in encode().items()}
        self._write(file, text, embeddings)
        return embeddings

    def file(self, text: str) -> Path:
        """Where the embeddings of a text are kept."""
        key = hashlib.sha256(json.dumps([self.revision, text]).encode()).hexdigest()
        return hub_home() / "vistadream" / "prompts" / self.encoder / f"{key}.safetensors"

    def _write(self, file: Path, text: str, embeddings: Embeddings) -> None:
        try:
            with new_file(file) as draft:
                save_file(embeddings, draft, metadata={"text": text, "revision": self.revision})
        except OSError as error:
            raise disk_error(file, error) from error


def origin(model: Model, folder: Path | None) -> str:
    """Where an encoder comes from, for a cache's revision: the table's, or a folder of the user by its files' sizes.

    A text encoder of the table is known without its files, so that its cached prompts need none of them.
    """
    if folder is None:
        return f"{model.repository}@{model.revision}"
    files = sorted(path for pattern in model.files for path in folder.glob(pattern))
    sizes = [(str(path.relative_to(folder)), path.stat().st_size) for path in files]
    return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()
