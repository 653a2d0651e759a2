"""The table of every model that VistaDream can use: for the command `vistadream models`, for errors and downloads."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vistadream.core import UserError


@dataclass(frozen=True)
class License:
    """`name` is an SPDX identifier where there is one."""

    name: str
    url: str
    commercial: bool = True


@dataclass(frozen=True)
class Memory:
    """Approximate peak GPU memory in GB under each policy, at 1024 px, for the diffusion models as planned."""

    high: float
    balanced: float
    low: float


@dataclass(frozen=True)
class Mirror:
    """Another source for the files of `Model.sha256`: `url` + file name."""

    name: str
    url: str


@dataclass(frozen=True)
class Model:
    """A model's files, and what a user must know before using it."""

    name: str
    role: str
    """depth, splats, outpaint or caption: a group under conf/backends."""
    repository: str
    """On the Hugging Face hub, as owner/name."""
    files: tuple[str, ...]
    """Glob patterns in the repository; each must match at least one file."""
    license: License
    bytes_about: int
    memory: Memory
    revision: str = "main"
    gated: bool = False
    """The hub requires an account that has accepted the license."""
    alternatives: tuple[str, ...] = ()
    """Models of the same role that are not gated and may be used commercially; the embedded backend always can."""
    sha256: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    """File -> published digest, which a downloaded file must have; None: not published, that of the first download."""
    mirror: Mirror | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of its files, in the order in which they are tried."""
        return ("hub", self.mirror.name) if self.mirror else ("hub",)

    @property
    def without_weights(self) -> str:
        """The backend of the role that needs no weights."""
        return _WITHOUT_WEIGHTS.get(self.role, "embedded")

    @property
    def page(self) -> str:
        """The model's web page, on which a gated license is accepted."""
        return f"https://huggingface.co/{self.repository}"


_WITHOUT_WEIGHTS = {"caption": "fixed", "splats": "lift"}
"""Backends without weights, by role, that are not called embedded."""
_APACHE = License("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")
_MIT = License("MIT", "https://opensource.org/license/mit")
_BSD = License("BSD-3-Clause", "https://opensource.org/license/bsd-3-clause")
_CC_BY_NC = License("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/", commercial=False)
_FLUX_DEV = License(
    "FLUX.1-dev non-commercial",
    "https://huggingface.co/black-forest-labs/FLUX.1-Fill-dev/blob/main/LICENSE.md",
    commercial=False,
)
_QWEN_RESEARCH = License(
    "Qwen Research",
    "https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/main/LICENSE",
    commercial=False,
)
_APPLE_AMLR = License("apple-amlr", "https://github.com/apple/ml-sharp/blob/main/LICENSE_MODEL", commercial=False)
_FILL = "black-forest-labs/FLUX.1-Fill-dev"


def _moge(size: str, bytes_about: int, memory: Memory, sha256: str) -> Model:
    name = f"moge-2-{size}-normal"
    return Model(
        name, "depth", f"Ruicheng/{name}", ("model.pt",), _MIT, bytes_about, memory, sha256={"model.pt": sha256}
    )


def _da3(size: str, bytes_about: int, peak_gb: float, sha256: str | None, license: License = _APACHE) -> Model:
    return Model(
        f"da3{size}",
        "depth",
        f"depth-anything/DA3{size.upper()}",
        ("config.json", "model.safetensors"),
        license,
        bytes_about,
        Memory(peak_gb, peak_gb, peak_gb),
        alternatives=() if license.commercial else ("da3-base", "moge-2-vitl-normal"),
        sha256={"model.safetensors": sha256} if sha256 else {},
    )


_ALL = (
    _moge(
        "vitl",
        1_323_815_904,
        Memory(2.8, 2.8, 1.8),
        "280741fd09bc3f403ccff9967784c2a391b52d2c0742ae3efdb21d9f90cc1a01",
    ),
    _moge(
        "vitb",
        419_110_160,
        Memory(1.5, 1.5, 1.0),
        "16b8110e86d5dc5a849db120ca96ef3a223fd30b0c9146d1d81db504073da5f6",
    ),
    _moge(
        "vits",
        140_550_416,
        Memory(1.0, 1.0, 0.7),
        "79a16621928c2bf0ed04659218c55c01075e950507f40bb3332fb4c873d3e1dc",
    ),
    _da3("-small", 137_248_940, 1.0, "364492e38a3a06d221ac75da7f6621ada3f2361cd24fde11ba79091e9f40efcf"),
    _da3("-base", 541_518_028, 1.5, "e01067dc1659613083d9145a9a2547ccdbe6ccbbf83c4fe7b3e8a4e2bdae78b5"),
    _da3("-large-1.1", 1_640_000_000, 3.0, None, _CC_BY_NC),
    _da3("-giant-1.1", 5_420_000_000, 9.0, None, _CC_BY_NC),
    _da3("metric-large", 1_336_734_448, 3.0, "bbea5b0b3ee389849cffa7ddae89de064a90abd2b055fc5aa99aac68db324776"),
    _da3("mono-large", 1_340_000_000, 3.0, None),
    Model(
        "sharp",
        "splats",
        "apple/Sharp",
        ("sharp_2572gikvuh.pt",),
        _APPLE_AMLR,
        2_810_000_000,
        Memory(10.0, 8.7, 7.4),
        sha256={"sharp_2572gikvuh.pt": None},
        mirror=Mirror("apple", "https://ml-site.cdn-apple.com/models/sharp/"),
    ),
    Model(
        "flux-fill",
        "outpaint",
        _FILL,
        ("flux1-fill-dev.safetensors", "ae.safetensors"),
        _FLUX_DEV,
        24_140_226_796,
        Memory(28.1, 21.3, 9.6),
        gated=True,
        alternatives=("flux2-klein-4b",),
        sha256={
            "flux1-fill-dev.safetensors": "03e289f530df51d014f48e675a9ffa2141bc003259bf5f25d75b957e920a41ca",
            "ae.safetensors": "afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38",
        },
        mirror=Mirror("modelscope", f"https://www.modelscope.cn/models/{_FILL}/resolve/master/"),
    ),
    Model(
        "flux-text",
        "outpaint",
        _FILL,
        ("text_encoder/*", "text_encoder_2/*", "tokenizer/*", "tokenizer_2/*"),
        _FLUX_DEV,
        9_800_000_000,
        Memory(10, 10, 9.8),
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
        Memory(12.0, 12.0, 9.5),
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

PROFILES = {
    "cpu-depth": ("moge-2-vits-normal",),
    "gpu": ("moge-2-vitl-normal", "flux2-klein-4b", "blip-base"),
    "gpu-flux-fill": ("moge-2-vitl-normal", "flux-fill", "flux-text", "blip-base"),
}
"""Sets of models for a machine: better depth without a GPU; all roles with a GPU, free or under FLUX.1's license."""


def models_named(words: Sequence[str]) -> list[Model]:
    """The models of these names and profiles, each once; UserError suggests the nearest name for an unknown one."""
    names: dict[str, None] = {}
    for word in words:
        if word not in MODELS and word not in PROFILES:
            near = difflib.get_close_matches(word, [*MODELS, *PROFILES], n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see `vistadream models`"
            raise UserError(
                f"{word!r} is not a model or profile; wanted one of {', '.join([*PROFILES, *MODELS])}{hint}"
            )
        names |= dict.fromkeys(PROFILES.get(word, (word,)))
    return [MODELS[name] for name in names]
