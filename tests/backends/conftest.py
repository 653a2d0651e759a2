"""What tests of several backends write to disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

QWEN_MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]


@pytest.fixture(scope="session")
def write_qwen_tokenizer() -> Callable[[Path], None]:
    """Writes a byte-level tokenizer without merges, of 256 bytes and QWEN_MARKS, as Qwen's models have one."""
    transformers = pytest.importorskip("transformers", reason="the package transformers is not installed")

    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        letters = map(chr, (*range(33, 127), *range(161, 173), *range(174, 324)))  # the bytes, as GPT-2 spells them
        vocabulary = {token: number for number, token in enumerate([*letters, *QWEN_MARKS])}
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "merges.txt").write_text("#version: 0.2\n")
        tokenizer = transformers.Qwen2Tokenizer.from_pretrained(folder)
        tokenizer.add_special_tokens({"additional_special_tokens": QWEN_MARKS[1:]})
        tokenizer.chat_template = (
            "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        )
        tokenizer.save_pretrained(folder)

    return write
