"""Names, splits and sizes of the single files against diffusers' own reader and against the published size."""

import math

import pytest
import torch

from vistadream.backends.diffusion.flux1_fill import files
from vistadream.backends.diffusion.flux1_fill.names import in_diffusers_names
from vistadream.backends.diffusion.parts import read_config
from vistadream.core import UserError

diffusers = pytest.importorskip("diffusers", reason="the extra `models` is not installed")


def test_every_tensor_lands_where_diffusers_puts_it(published_shapes):
    """Of the published widths, which diffusers takes for granted; input widths of one save memory."""
    convert = pytest.importorskip(
        "diffusers.loaders.single_file_utils"
    ).convert_flux_transformer_checkpoint_to_diffusers
    blocks = ("double_blocks.0.", "single_blocks.0.")
    tensors = {
        name: torch.randn(shape[0], *(1 for _ in shape[1:]))
        for name, shape in published_shapes.items()
        if name.startswith(blocks) or "_blocks." not in name
    }
    ours, theirs = in_diffusers_names(tensors), convert(dict(tensors))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_the_configuration_that_travels_is_the_published_model_s(published_shapes):
    config = read_config(files.CONFIGURATIONS / "transformer" / "config.json")
    with torch.device("meta"):
        model = diffusers.FluxTransformer2DModel.from_config(config)
        ours = in_diffusers_names({name: torch.empty(shape) for name, shape in published_shapes.items()})
    assert {n: t.shape for n, t in ours.items()} == {n: t.shape for n, t in model.state_dict().items()}
    assert sum(map(math.prod, published_shapes.values())) == 11_902_391_360  # 23.8 GB in bfloat16


def test_the_autoencoder_that_travels_is_the_published_one_s():
    config = read_config(files.CONFIGURATIONS / "vae" / "config.json")
    with torch.device("meta"):
        model = diffusers.AutoencoderKL.from_config(config)
    assert sum(p.numel() for p in model.parameters()) == 83_819_683  # 335 MB in single precision
    assert len(model.config.block_out_channels) == len(model.config.up_block_types) == 4


def test_a_name_that_is_not_known_is_kept_and_found_out_by_the_reader(flux_single, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    monkeypatch.setattr(files, "CONFIGURATIONS", flux_single / "configurations")
    tensors = load_file(flux_single / "flux1-fill-dev.safetensors") | {"lora.up": torch.zeros(2)}
    assert in_diffusers_names(tensors)["lora.up"] is tensors["lora.up"]
    save_file(tensors, tmp_path / "flux1-fill-dev.safetensors")
    (tmp_path / "ae.safetensors").write_bytes((flux_single / "ae.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"flux1-fill-dev.safetensors is not FluxTransformer2DModel .*lora\.up"):
        files.painter(tmp_path, torch.float32)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tensors: tensors.pop("decoder.conv_out.weight"),
        lambda tensors: tensors.update({"decoder.conv_out.weight": torch.zeros(3, 5, 3, 3)}),
    ],
)
def test_an_autoencoder_that_is_not_whole_is_refused(flux_single, tmp_path, monkeypatch, spoil):
    from safetensors.torch import load_file, save_file

    monkeypatch.setattr(files, "CONFIGURATIONS", flux_single / "configurations")
    tensors = load_file(flux_single / "ae.safetensors")
    spoil(tensors)
    save_file(tensors, tmp_path / "ae.safetensors")
    (tmp_path / "flux1-fill-dev.safetensors").write_bytes((flux_single / "flux1-fill-dev.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"ae\.safetensors (is not|lacks) .*wanted the file as published"):
        files.painter(tmp_path, torch.float32)
