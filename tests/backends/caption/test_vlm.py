"""Captions by tiny BLIP and Qwen-VL models of random weights, in files as the published ones are."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from vistadream.backends.caption import reading, vlm
from vistadream.backends.caption.reading import Reader
from vistadream.backends.caption.vlm import VlmCaption
from vistadream.backends.weights.residence import resident
from vistadream.backends.weights.store import lacking
from vistadream.backends.weights.table import MODELS
from vistadream.config import compose, groups, quote_paths
from vistadream.core import Captioner, UserError

transformers = pytest.importorskip("transformers", reason="the package transformers is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo", "of", "room", "with", "bed", "window", "plant"]


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No model left from another test, none in a cache, no network; short answers."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setattr(reading, "_MAX_TOKENS", 24)
    resident.release()
    vlm._caption.cache_clear()


def write_blip(folder: Path) -> Path:
    """config.json, pytorch_model.bin and the tokenizer's files, where [DEC] has an id that the vocabulary lacks."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    transformers.BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BlipConfig(
        text_config=small
        | {"vocab_size": len(WORDS) + 2, "encoder_hidden_size": 16, "max_position_embeddings": 80, "projection_dim": 16}
        | {
            "bos_token_id": len(WORDS),
            "eos_token_id": 2,
            "sep_token_id": 3,
            "pad_token_id": 0,
            "initializer_range": 1.0,
        },
        vision_config=small | {"image_size": 32, "patch_size": 8, "projection_dim": 16, "initializer_range": 1.0},
    )
    config.save_pretrained(folder)
    torch.save(transformers.BlipForConditionalGeneration(config).state_dict(), folder / "pytorch_model.bin")
    processor = {"image_processor_type": "BlipImageProcessor", "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def write_qwen(folder: Path, family: str) -> Path:
    """As the published ones: safetensors and an image processor; the tokenizer is there. No torchvision is needed."""
    patch = 16 if family == "qwen3_vl" else 14
    ids = dict(zip(("vision_start_token_id", "vision_end_token_id", "image_token_id"), range(259, 262), strict=True))
    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    text |= {"num_key_value_heads": 1, "head_dim": 8, "vocab_size": 264, "initializer_range": 0.5}
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}}
    seeing = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    seeing |= {"patch_size": patch, "initializer_range": 0.5}
    if family == "qwen3_vl":
        seeing |= {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
        model_class = transformers.Qwen3VLForConditionalGeneration
    else:
        seeing |= {"fullatt_block_indexes": [0], "window_size": 112}
        model_class = transformers.Qwen2_5_VLForConditionalGeneration
    model = model_class(model_class.config_class(text_config=text, vision_config=seeing, **ids))
    model.save_pretrained(folder)
    processor = {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": patch, "merge_size": 2}
    processor |= {"size": {"shortest_edge": 2**17, "longest_edge": 2**18}}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def captioner(**knobs) -> VlmCaption:
    given = {"text": None, "model": "blip-base", "wording": "a scene: {caption}", "path": None}
    return VlmCaption(**given | {"device": "cpu", "memory": "auto", "accept_noncommercial": False} | knobs)


def picture() -> torch.Tensor:
    return torch.rand(40, 56, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "family"), [("blip-base", "blip"), ("qwen3-vl-2b", "qwen3_vl"), ("qwen2.5-vl-3b", "qwen2_5_vl")]
)
def test_what_the_model_says_of_a_picture_is_the_prompt(tmp_path, name, family, write_qwen_tokenizer):
    folder = tmp_path / "model"
    if family == "blip":
        write_blip(folder)
    else:
        write_qwen_tokenizer(folder)
        write_qwen(folder, family)
    assert lacking(MODELS[name], folder) == [], "the fixture has the files of the published model"
    one = captioner(model=name, path=folder, accept_noncommercial=True)
    assert isinstance(one, Captioner)
    prompts = [one(picture()), one(torch.zeros(40, 56, 3))]
    assert all(prompt.startswith("a scene: ") for prompt in prompts)
    assert len(set(prompts)) == 2, "it depends on the picture"
    vlm._caption.cache_clear()
    assert one(picture()) == prompts[0], "and on nothing else"


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    """A folder with a tiny BLIP."""
    return write_blip(tmp_path_factory.mktemp("captioner") / "blip")


def test_a_picture_is_looked_at_once_however_many_stages_ask(blip, monkeypatch):
    seen = []
    monkeypatch.setattr(VlmCaption, "describe", lambda self, picture: seen.append(picture.shape) or "room")
    prompts = {captioner(path=blip)(picture()) for _ in range(3)}
    assert prompts == {"a scene: room"}
    assert seen == [(40, 56, 3)]


@pytest.mark.parametrize(
    ("said", "caption"),
    [
        ("arafed room with a bed.", "room with a bed"),
        ("A photo of a room with a bed", "a room with a bed"),
        ("there is a black and white photo of a plant", "a plant"),
        ("This is an image of a picture of a bed. ", "a bed"),
        ("a room with a picture of a plant", "a room with a picture of a plant"),
        ("", "a place with clear objects"),
    ],
)
def test_the_prompt_speaks_of_the_place_and_never_of_a_photo(said, caption):
    reader = Reader(None, lambda model, picture: said)
    prompt = captioner().worded(reader(np.zeros((2, 2, 3), np.uint8)))
    assert prompt == f"a scene: {caption}"


@pytest.mark.parametrize("name", groups()["backends/caption"])
def test_a_given_text_is_the_prompt_of_every_captioner_and_loads_no_model(name, tmp_path):
    words = quote_paths([f"backends/caption={name}", "backends.caption.text=a hall, 50% {lit} 'by' lamps"])
    assert compose(words).build("backends.caption")(picture()) == "a hall, 50% {lit} 'by' lamps"
    assert not any(tmp_path.glob("home/*"))


def test_without_its_files_a_captioner_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        captioner()(picture())
    with pytest.raises(UserError, match="lacks config"):
        captioner(path=tmp_path)(picture())


def test_files_that_are_another_model_s_are_refused_in_one_sentence(blip, tmp_path, capfd):
    folder = shutil.copytree(blip, tmp_path / "cut")
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    weights.pop("vision_model.post_layernorm.weight")
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="post_layernorm"):
        captioner(path=folder)(picture())
    assert capfd.readouterr() == ("", ""), "the package draws no bars and tables of its own"
    (folder / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(
        UserError, match=r"'llava', and model=blip-base is blip; wanted .*qwen2_5_vl \(model=qwen2.5-vl-3b\)"
    ):
        captioner(path=folder)(picture())
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="cut cannot be read"):
        captioner(path=folder)(picture())


def test_a_model_under_a_research_license_is_refused_until_that_is_accepted_under_any_name(tmp_path):
    """The folder of Qwen2.5-VL-3B given as that of a free model is refused before its weights are read."""
    folder = tmp_path / "qwen"
    folder.mkdir()
    for name in ("model.safetensors", "merges.txt"):
        (folder / name).write_bytes(b"")
    (folder / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    with pytest.raises(UserError, match=r"may not be used commercially \(Qwen Research.*or use blip-base"):
        captioner(model="qwen2.5-vl-3b", path=folder)(picture())
    for model in ("qwen3-vl-2b", "blip-base"):
        accepted = captioner(model=model, accept_noncommercial=True)
        with pytest.raises(UserError, match=rf"'qwen2_5_vl', and model={model} is"):
            reading.read(folder, accepted.model, "cpu")


def test_the_run_hands_its_consent_on():
    for accepted in ("true", "false"):
        words = ["backends/caption=vlm", f"accept_noncommercial={accepted}"]
        assert compose(words).build("backends.caption").accept_noncommercial == (accepted == "true")


def test_a_file_that_runs_code_is_refused(blip, tmp_path):
    folder = shutil.copytree(blip, tmp_path / "pickle")
    torch.save({"x": Path("x")}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be read"):
        captioner(path=folder)(picture())


@pytest.mark.parametrize(
    "knobs", [{"model": "llava"}, {"device": "tpu"}, {"memory": "all"}, {"wording": "a {picture}"}, {"device": "cuda"}]
)
def test_a_senseless_knob_is_refused_by_name(knobs, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"VlmCaption.{next(iter(knobs))}.*wanted"):
        captioner(**knobs)
