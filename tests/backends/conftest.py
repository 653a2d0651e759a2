"""What tests of several backends write to disk."""

import json
import logging
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from packaging.version import Version

from vistadream.backends.diffusion import klein
from vistadream.backends.weights.residence import resident

QWEN_MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]


@pytest.fixture(autouse=True)
def the_cpu_may_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 0.42 diffusers' group offload asks torch for an accelerator even where the CPU stands in for one."""
    if find_spec("diffusers") and Version(version("diffusers")) < Version("0.42"):
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda *_, **__: torch.device("cpu"))


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


@pytest.fixture(scope="session")
def klein_folder(tmp_path_factory, write_qwen_tokenizer) -> Path:
    """FLUX.2-klein with tiny random weights, as diffusers saves it; its text encoder has as many layers as are read."""
    diffusers = pytest.importorskip("diffusers", reason="the extra `models` is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra `models` is not installed")
    folder = tmp_path_factory.mktemp("klein")
    write_qwen_tokenizer(folder / "tokenizer")
    torch.manual_seed(5)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    sizes = {"vocab_size": 264, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 28}
    autoencoder = diffusers.AutoencoderKLFlux2(
        block_out_channels=(4,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=1,
    )
    transformer = diffusers.Flux2Transformer2DModel(
        in_channels=8,  # 4 x 2 latents
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,  # three of the encoder's layers
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    pipeline = diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=autoencoder,
        text_encoder=transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**sizes, **heads, initializer_range=0.5)),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder / "tokenizer"),
        transformer=transformer,
        is_distilled=True,
    )
    pipeline.save_pretrained(folder)
    config = folder / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"force_upcast": True}))  # as published
    return folder


@pytest.fixture
def diffusers_warnings(caplog) -> Iterator[pytest.LogCaptureFixture]:
    """What diffusers warns of; its logger hands nothing on to the root's."""
    logger = logging.getLogger("diffusers")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.WARNING, "diffusers")
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture(scope="session")
def klein_home(tmp_path_factory) -> Path:
    """An HF_HOME in which no model is, and where prompts are kept that a test encoded."""
    return tmp_path_factory.mktemp("klein-home")


@pytest.fixture
def klein_alone(monkeypatch, klein_home) -> None:
    """There is no network, and room for all parts of a tiny model, which may be loaded from another test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(klein_home))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setattr(resident, "free_bytes", lambda: 10**12)
    klein.shared_klein.cache_clear()
