"""FLUX.1-Fill's parts as objects of diffusers and transformers, on the CPU, from either layout of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vistadream.backends import packages
from vistadream.backends.diffusion.flux1_fill.names import in_diffusers_names
from vistadream.backends.diffusion.parts import assemble, read_config, read_part, read_tensors
from vistadream.backends.weights.pretrained import pretrained, read_tokenizer
from vistadream.backends.weights.store import check_license, folder_of, lacking
from vistadream.backends.weights.table import MODELS
from vistadream.core import UserError

CONFIGURATIONS = Path(__file__).parent
FILL, TEXT = MODELS["flux-fill"], MODELS["flux-text"]


def painter_folder(path: Path | None, accept_noncommercial: bool) -> Path:
    """The user's diffusers folder, or a folder with the two single files, which are downloaded if `path` is None.

    UserError for a license that is not accepted, and for the folder of another model.
    """
    check_license(FILL, accept_noncommercial)
    if path is None or not is_diffusers(path):
        return folder_of(FILL, path, accept_noncommercial)
    if (kind := read_config(path / "model_index.json").get("_class_name")) != "FluxFillPipeline":
        raise UserError(f"{path} holds a {kind}; wanted a FluxFillPipeline, or the two files {', '.join(FILL.files)}")
    return path


def is_diffusers(folder: Path) -> bool:
    """Whether the folder has the layout of diffusers."""
    return (folder / "model_index.json").is_file()


def user_text_folder(path: Path | None, text_path: Path | None) -> Path | None:
    """The folder of text encoders given by the user: `text_path`, or a diffusers folder `path` that has them."""
    if text_path:
        return text_path
    return path if path and is_diffusers(path) and not lacking(TEXT, path) else None


def painter(folder: Path, dtype: torch.dtype) -> Any:
    """A FluxFillPipeline without text encoders: transformer, autoencoder and scheduler."""
    diffusers = packages.load("diffusers")
    single = not is_diffusers(folder)
    configurations = CONFIGURATIONS if single else folder
    schedule = read_config(configurations / "scheduler" / "scheduler_config.json")
    pipeline = diffusers.FluxFillPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler.from_config(schedule),
        transformer=(_single_transformer if single else _transformer)(diffusers.FluxTransformer2DModel, folder, dtype),
        vae=(_single_autoencoder if single else _autoencoder)(diffusers.AutoencoderKL, folder, dtype),
        **dict.fromkeys(("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _transformer(part_class: Any, folder: Path, dtype: torch.dtype) -> Any:
    return read_part(part_class, folder / "transformer", dtype)


def _autoencoder(part_class: Any, folder: Path, dtype: torch.dtype) -> Any:
    return read_part(part_class, folder / "vae", dtype)


def _single_transformer(part_class: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Reads the single file; diffusers' own reader copies every tensor and supports only the published width."""
    file = folder / FILL.files[0]
    config = read_config(CONFIGURATIONS / "transformer" / "config.json")
    return assemble(part_class, config, in_diffusers_names(read_tensors(file)), dtype, str(file))


def _single_autoencoder(part_class: Any, folder: Path, dtype: torch.dtype) -> Any:
    file = folder / FILL.files[1]
    try:
        part = part_class.from_single_file(read_tensors(file), config=str(CONFIGURATIONS / "vae"))
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{file} is not FLUX.1's autoencoder ({error}); wanted the file as published") from error
    if lost := [name for name, tensor in part.state_dict().items() if tensor.is_meta]:
        raise UserError(f"{file} lacks {len(lost)} tensors: {', '.join(lost[:3])}...; wanted the file as published")
    return part.to(dtype).requires_grad_(False).eval()


def encoders(folder: Path, dtype: torch.dtype) -> Any:
    """A FluxFillPipeline with the text encoders alone."""
    diffusers, transformers = packages.load("diffusers"), packages.load("transformers")
    return diffusers.FluxFillPipeline(
        tokenizer=read_tokenizer(transformers.CLIPTokenizer, folder / "tokenizer"),
        tokenizer_2=read_tokenizer(transformers.T5TokenizerFast, folder / "tokenizer_2"),
        text_encoder=pretrained(transformers.CLIPTextModel, folder / "text_encoder", dtype=dtype),
        text_encoder_2=pretrained(transformers.T5EncoderModel, folder / "text_encoder_2", dtype=dtype),
        **dict.fromkeys(("scheduler", "vae", "transformer")),
    )
