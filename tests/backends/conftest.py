"""What tests of several backends write to disk: tokenizers, tiny models, and FLUX.1-Fill as it is published."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from packaging.version import Version
from safetensors.torch import save_file

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


WIDTH, HEADS, LAYERS, SINGLE_LAYERS, CONTEXT, POOLED = 32, 2, 1, 2, 32, 32
TRANSFORMER = {
    "_class_name": "FluxTransformer2DModel",
    "in_channels": 32,  # 4 x (2 latents + 2 masked latents + 2 x 2 pixels of the mask)
    "out_channels": 8,
    "num_layers": LAYERS,
    "num_single_layers": SINGLE_LAYERS,
    "attention_head_dim": WIDTH // HEADS,
    "num_attention_heads": HEADS,
    "joint_attention_dim": CONTEXT,
    "pooled_projection_dim": POOLED,
    "axes_dims_rope": [4, 4, 8],
    "guidance_embeds": True,
}
AUTOENCODER = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": [4, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "layers_per_block": 1,
    "latent_channels": 2,
    "norm_num_groups": 2,
    "scaling_factor": 0.3611,
    "shift_factor": 0.1159,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}
SCHEDULER = {"base_shift": 0.5, "max_shift": 1.15, "shift": 3.0, "use_dynamic_shifting": True}
AE_NAMES = [  # from the names of diffusers to those of ae.safetensors
    (r"(en|de)coder\.(down|up)_blocks\.(\d)\.resnets\.(\d)\.", r"\1coder.\2.\3.block.\4."),
    (r"\.(down|up)_blocks\.(\d)\.(down|up)samplers\.0\.", r".\1.\2.\1sample."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.group_norm\.", ".mid.attn_1.norm."),
    (r"\.mid_block\.attentions\.0\.to_(q|k|v)\.", r".mid.attn_1.\1."),
    (r"\.mid_block\.attentions\.0\.to_out\.0\.", ".mid.attn_1.proj_out."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
]


def bfl_shapes(width, layers, single_layers, channels, context, pooled, out, head):
    """Every tensor of a FLUX.1 transformer by the name that Black Forest Labs gave it."""
    linears = {"img_in": (width, channels), "txt_in": (width, context), "final_layer.linear": (out, width)}
    linears["final_layer.adaLN_modulation.1"] = (2 * width, width)
    for module, size in (("time_in", 256), ("vector_in", pooled), ("guidance_in", 256)):
        linears |= {f"{module}.in_layer": (width, size), f"{module}.out_layer": (width, width)}
    scales = {}
    for i in range(layers):
        for side in ("img", "txt"):
            block = f"double_blocks.{i}.{side}_"
            linears |= {f"{block}mod.lin": (6 * width, width), f"{block}attn.qkv": (3 * width, width)}
            linears |= {f"{block}attn.proj": (width, width)}
            linears |= {f"{block}mlp.0": (4 * width, width), f"{block}mlp.2": (width, 4 * width)}
            scales |= {f"{block}attn.norm.{which}_norm.scale": (head,) for which in ("query", "key")}
    for i in range(single_layers):
        block = f"single_blocks.{i}."
        linears |= {f"{block}modulation.lin": (3 * width, width), f"{block}linear1": (7 * width, width)}
        linears |= {f"{block}linear2": (width, 5 * width)}
        scales |= {f"{block}norm.{which}_norm.scale": (head,) for which in ("query", "key")}
    weights = {f"{name}.weight": (rows, inputs) for name, (rows, inputs) in linears.items()}
    return weights | {f"{name}.bias": (rows,) for name, (rows, _) in linears.items()} | scales


def text_parts(folder):
    """CLIP over characters, and T5 over a few pieces, both with random weights."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5TokenizerFast

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    clip = folder / "clip"
    clip.mkdir()
    (clip / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (clip / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(clip, model_max_length=77)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((c, -3.0) for c in letters if c.isalnum())]
    tokenizer_2 = T5TokenizerFast(vocab=pieces, extra_ids=0)
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1}
    sizes = {"hidden_size": POOLED, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
    t5 = T5Config(vocab_size=len(pieces), d_model=CONTEXT, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    return {
        "tokenizer": tokenizer,
        "tokenizer_2": tokenizer_2,
        "text_encoder": CLIPTextModel(CLIPTextConfig(vocab_size=len(words), projection_dim=32, **sizes, **ends)),
        "text_encoder_2": T5EncoderModel(t5),
    }


@pytest.fixture(scope="session")
def published_shapes():
    """The tensors of the published flux1-fill-dev.safetensors, by name."""
    return bfl_shapes(3072, 19, 38, channels=384, context=4096, pooled=768, out=64, head=128)


@pytest.fixture(scope="session")
def flux_single(tmp_path_factory):
    """flux1-fill-dev.safetensors and ae.safetensors, and a folder `configurations` that tells their small sizes."""
    diffusers = pytest.importorskip("diffusers", reason="the extra `models` is not installed")
    folder = tmp_path_factory.mktemp("flux-single")
    shapes = bfl_shapes(WIDTH, LAYERS, SINGLE_LAYERS, 32, CONTEXT, POOLED, 8, WIDTH // HEADS)
    generator = torch.Generator().manual_seed(3)
    tensors = {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    save_file(tensors, folder / "flux1-fill-dev.safetensors")
    torch.manual_seed(4)
    tensors = diffusers.AutoencoderKL.from_config(AUTOENCODER).state_dict()
    save_file({ae_name(name): ae_shape(name, tensor) for name, tensor in tensors.items()}, folder / "ae.safetensors")
    for part, config in {"transformer": TRANSFORMER, "vae": AUTOENCODER, "scheduler": SCHEDULER}.items():
        file = folder / "configurations" / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def scattered_holes():
    """A mask with 16 square holes of a side in pixels, one for each offset modulo 16, along rows and along columns."""

    def scatter(side_px):
        hole = torch.zeros(4 * 96, 4 * 96, dtype=torch.bool)
        for k in range(16):
            top, left = 96 * (k // 4) + 7 * k % 16, 96 * (k % 4) + k
            hole[top : top + side_px, left : left + side_px] = True
        return hole

    return scatter


def ae_name(name):
    for ours, theirs in AE_NAMES:
        name = re.sub(ours, theirs, name)
    return re.sub(r"\.up\.(\d)\.", lambda level: f".up.{1 - int(level[1])}.", name)  # there counted from the finest


def ae_shape(name, tensor):
    """Attention is made of 1x1 convolutions there."""
    return tensor[..., None, None].contiguous() if re.search(r"\.to_(q|k|v|out\.0)\.weight", name) else tensor


@pytest.fixture(scope="session")
def flux_folder(flux_single, tmp_path_factory):
    """The same weights, with text encoders, as diffusers saves them."""
    import diffusers
    from safetensors.torch import load_file

    from vistadream.backends.diffusion.flux1_fill.names import in_diffusers_names

    transformer = diffusers.FluxTransformer2DModel.from_config(TRANSFORMER)
    transformer.load_state_dict(in_diffusers_names(load_file(flux_single / "flux1-fill-dev.safetensors")))
    torch.manual_seed(4)
    folder = tmp_path_factory.mktemp("flux-folder")
    autoencoder = diffusers.AutoencoderKL.from_config(AUTOENCODER)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(**SCHEDULER)
    encoders = text_parts(tmp_path_factory.mktemp("flux-text"))
    pipeline = diffusers.FluxFillPipeline(scheduler=scheduler, vae=autoencoder, transformer=transformer, **encoders)
    pipeline.save_pretrained(folder)
    return folder
