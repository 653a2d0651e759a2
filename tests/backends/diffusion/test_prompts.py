"""Prompts are encoded once for all runs."""

import pytest
import torch

from vistadream.backends.diffusion.prompts import PromptCache, origin
from vistadream.backends.weights.table import MODELS
from vistadream.core import UserError

CACHE = PromptCache("tiny-text", "somewhere@main bfloat16")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path


def embeddings():
    tokens = torch.randn(1, 8, 16)
    return {"prompt_embeds": tokens.bfloat16(), "pooled_prompt_embeds": tokens.mean(1).transpose(0, 1)}


def never():
    raise AssertionError("encoded again")


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(one[k], other[k]) and one[k].dtype == other[k].dtype for k in one
    )


@pytest.mark.parametrize("text", ["", "a sunlit library", "eine Bücherei \N{SUN WITH FACE}" * 200])
def test_a_prompt_is_encoded_once_and_comes_back_bit_for_bit(text):
    first = CACHE(text, embeddings)
    assert same(CACHE(text, never), first)
    assert same(PromptCache("tiny-text", CACHE.revision)(text, never), first)


def test_another_text_or_revision_is_another_prompt():
    CACHE("one", embeddings)
    for cache, text in [
        (CACHE, "two"),
        (PromptCache("tiny-text", "elsewhere"), "one"),
        (PromptCache("another", CACHE.revision), "one"),
    ]:
        with pytest.raises(AssertionError, match="encoded again"):
            cache(text, never)


def test_a_torn_file_is_made_anew():
    CACHE("one", embeddings)
    CACHE.file("one").write_bytes(b"torn")
    made = CACHE("one", embeddings)
    assert same(CACHE("one", never), made)


def test_an_encoder_that_fails_leaves_nothing():
    with pytest.raises(AssertionError):
        CACHE("one", never)
    assert not CACHE.file("one").exists()


def test_a_place_that_is_a_file_is_named(home):
    (home / "vistadream").touch()
    with pytest.raises(UserError, match=r"cannot write .*tiny-text.*HF_HOME"):
        CACHE("one", embeddings)


def test_an_encoder_of_the_table_is_known_without_its_files_and_a_folder_by_them(tmp_path):
    model = MODELS["flux-text"]
    assert origin(model, None) == f"{model.repository}@main"
    (tmp_path / "text_encoder").mkdir()
    file = tmp_path / "text_encoder" / "model.safetensors"
    file.write_bytes(b"one")
    first = origin(model, tmp_path)
    assert origin(model, tmp_path) == first != origin(model, None)
    file.write_bytes(b"another")
    assert origin(model, tmp_path) != first
