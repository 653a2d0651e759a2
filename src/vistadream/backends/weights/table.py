"""Every model that VistaDream can use: the one place for the CLI's table, the gates' words and the downloads."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from vistadream.core import UserError


@dataclass(frozen=True)
class Licence:
    """`name` is an SPDX identifier where there is one."""

    name: str
    url: str
    commercial: bool = True


@dataclass(frozen=True)
class Memory:
    """Peak use of the graphics card in GB under each policy, at 1024 px; about."""

    high: float
    balanced: float
    low: float


@dataclass(frozen=True)
class Mirror:
    """A second place for a model's files: `url` + a file's name; each with the sha256 that it must have."""

    name: str
    url: str
    sha256: dict[str, str]


@dataclass(frozen=True)
class Model:
    """A model's files, and what a person must know before using it."""

    name: str
    role: str
    """depth, outpaint or caption: a group under conf/backends."""
    repository: str
    """On the Hugging Face hub, as owner/name."""
    files: tuple[str, ...]
    """Glob patterns in the repository; every one must match."""
    licence: Licence
    bytes_about: int
    memory: Memory
    revision: str = "main"
    gated: bool = False
    """The hub asks for an account that has accepted the licence."""
    alternatives: tuple[str, ...] = ()
    """Models of the same role without this one's gate or limits; the embedded backend is always another."""
    mirror: Mirror | None = None

    @property
    def page(self) -> str:
        """The model's own page, where a gated licence is accepted."""
        return f"https://huggingface.co/{self.repository}"


_APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")
_MIT = Licence("MIT", "https://opensource.org/license/mit")
_BSD = Licence("BSD-3-Clause", "https://opensource.org/license/bsd-3-clause")
_CC_BY_NC = Licence("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/", commercial=False)
_FLUX_DEV = Licence(
    "FLUX.1-dev non-commercial",
    "https://huggingface.co/black-forest-labs/FLUX.1-Fill-dev/blob/main/LICENSE.md",
    commercial=False,
)
_QWEN_RESEARCH = Licence(
    "Qwen Research",
    "https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/main/LICENSE",
    commercial=False,
)
_FILL = "black-forest-labs/FLUX.1-Fill-dev"
_DA3_FILES = ("config.json", "model.safetensors")


def _moge(size: str, bytes_about: int, *peaks_gb: float) -> Model:
    repository = f"Ruicheng/moge-2-{size}-normal"
    memory = Memory(*peaks_gb)
    return Model(f"moge-2-{size}-normal", "depth", repository, ("model.pt",), _MIT, bytes_about, memory)


def _da3(size: str, bytes_about: int, peak_gb: float, licence: Licence = _APACHE) -> Model:
    memory = Memory(peak_gb, peak_gb, peak_gb)
    alternatives = () if licence.commercial else ("da3-base", "moge-2-vitl-normal")
    repository = f"depth-anything/DA3-{size.upper()}"
    return Model(
        f"da3-{size}", "depth", repository, _DA3_FILES, licence, bytes_about, memory, alternatives=alternatives
    )


_ALL = (
    _moge("vitl", 1_320_000_000, 3.1, 3.1, 2.0),
    _moge("vitb", 420_000_000, 1.5, 1.5, 1.0),
    _moge("vits", 140_000_000, 1.0, 1.0, 0.7),
    _da3("small", 140_000_000, 1.0),
    _da3("base", 480_000_000, 1.5),
    _da3("large-1.1", 1_400_000_000, 3.0, _CC_BY_NC),
    _da3("giant-1.1", 6_300_000_000, 9.0, _CC_BY_NC),
    Model(
        "da3metric-large",
        "depth",
        "depth-anything/DA3METRIC-LARGE",
        _DA3_FILES,
        _APACHE,
        1_400_000_000,
        Memory(3.0, 3.0, 3.0),
    ),
    Model(
        "da3mono-large",
        "depth",
        "depth-anything/DA3MONO-LARGE",
        _DA3_FILES,
        _APACHE,
        1_340_000_000,
        Memory(3.0, 3.0, 3.0),
    ),
    Model(
        "flux-fill",
        "outpaint",
        _FILL,
        ("flux1-fill-dev.safetensors", "ae.safetensors"),
        _FLUX_DEV,
        24_100_000_000,
        Memory(32, 18, 11),
        gated=True,
        alternatives=("flux2-klein-4b",),
        mirror=Mirror(
            "modelscope",
            f"https://www.modelscope.cn/models/{_FILL}/resolve/master/",
            {
                "flux1-fill-dev.safetensors": "03e289f530df51d014f48e675a9ffa2141bc003259bf5f25d75b957e920a41ca",
                "ae.safetensors": "afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38",
            },
        ),
    ),
    Model(
        "flux-text",
        "outpaint",
        _FILL,
        ("text_encoder/*", "text_encoder_2/*", "tokenizer/*", "tokenizer_2/*"),
        _FLUX_DEV,
        9_800_000_000,
        Memory(10, 10, 1),
        gated=True,
        alternatives=("flux2-klein-4b",),
    ),
    Model(
        "flux2-klein-4b",
        "outpaint",
        "black-forest-labs/FLUX.2-klein-4B",
        (
            "model_index.json",
            *(f"{part}/*" for part in ("scheduler", "text_encoder", "tokenizer", "transformer", "vae")),
        ),
        _APACHE,
        16_000_000_000,
        Memory(20, 13, 8),
    ),
    Model(
        "blip-base",
        "caption",
        "Salesforce/blip-image-captioning-base",
        ("config.json", "preprocessor_config.json", "pytorch_model.bin", "tokenizer*", "vocab.txt"),
        _BSD,
        990_000_000,
        Memory(1.5, 1.5, 1.5),
    ),
    Model(
        "qwen3-vl-2b",
        "caption",
        "Qwen/Qwen3-VL-2B-Instruct",
        ("*.json", "*.safetensors", "merges.txt"),
        _APACHE,
        4_300_000_000,
        Memory(5.5, 5.5, 5.5),
    ),
    Model(
        "qwen2.5-vl-3b",
        "caption",
        "Qwen/Qwen2.5-VL-3B-Instruct",
        ("*.json", "*.safetensors", "merges.txt"),
        _QWEN_RESEARCH,
        7_500_000_000,
        Memory(9.0, 9.0, 9.0),
        alternatives=("blip-base", "qwen3-vl-2b"),
    ),
)
MODELS = {model.name: model for model in _ALL}

DEFAULT_MOGE = {"cuda": "moge-2-vitl-normal", "cpu": "moge-2-vits-normal"}
"""The size of MoGe-2 that suits a device."""

DEFAULT_DA3 = {"cuda": "da3-base", "cpu": "da3-small"}
"""The size of Depth Anything 3 that suits a device."""

PROFILES = {
    "cpu-depth": ("moge-2-vits-normal",),
    "gpu": ("moge-2-vitl-normal", "flux2-klein-4b", "blip-base"),
    "gpu-flux-fill": ("moge-2-vitl-normal", "flux-fill", "flux-text", "blip-base"),
}
"""What a machine needs: better depth without a GPU; everything with one, free or with FLUX.1's licence."""


def models_named(words: Sequence[str]) -> list[Model]:
    """The models of these names and profiles, each once; UserError names the nearest for one that is neither."""
    names: dict[str, None] = {}
    for word in words:
        if word not in MODELS and word not in PROFILES:
            near = difflib.get_close_matches(word, [*MODELS, *PROFILES], n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see `vistadream models`"
            raise UserError(
                f"{word!r} is no model and no profile; wanted one of {', '.join([*PROFILES, *MODELS])}{hint}"
            )
        names |= dict.fromkeys(PROFILES.get(word, (word,)))
    return [MODELS[name] for name in names]
