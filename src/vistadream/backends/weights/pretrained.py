"""Models and tokenizers of transformers from their folders: complete, or an error that says what is missing."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from vistadream.backends import packages
from vistadream.core import UserError

_VOCABULARIES = ("tokenizer.json", "vocab.json", "spiece.model")


def pretrained(model_class: Any, folder: Path, **options: Any) -> Any:
    """`model_class.from_pretrained` of a folder as published, for inference and without output on the screen.

    UserError for files that cannot be read, and for missing tensors, which transformers would initialize at random.
    """
    try:
        with _quiet():
            model, found = model_class.from_pretrained(
                folder, local_files_only=True, output_loading_info=True, **options
            )
    except (pickle.UnpicklingError, RuntimeError, OSError, ValueError, LookupError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{folder} cannot be read ({reason}); wanted the files as published") from error
    if wrong := sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}):
        raise UserError(
            f"{folder} lacks {len(wrong)} of the model's tensors, or has them in another shape: "
            f"{', '.join(wrong[:3])}...; wanted the files as published"
        )
    return model.requires_grad_(False).eval()


def read_tokenizer(tokenizer_class: Any, folder: Path) -> Any:
    """`tokenizer_class.from_pretrained` of a folder; UserError without a vocabulary, as some classes need none."""
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise UserError(f"{folder} has no vocabulary; wanted one of {', '.join(_VOCABULARIES)}, as published")
    try:
        return tokenizer_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{folder} cannot be read ({reason}); wanted the files as published") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Turns off the package's progress bars and tables: we raise our own error if something is wrong."""
    logging = packages.load("transformers.utils.logging")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
