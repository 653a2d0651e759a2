"""Parts of a diffusion model from their files; the same results wherever their weights lie. Tiny random models."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vistadream.backends.diffusion.parts import read_part
from vistadream.backends.diffusion.placement import (
    TILE_PX,
    on_device,
    place_autoencoder,
    place_encoder,
    place_transformer,
    working_px,
)
from vistadream.backends.weights.policy import Policy
from vistadream.core import UserError

diffusers = pytest.importorskip("diffusers", reason="the extra `models` is not installed")
CPU = torch.device("cpu")


def tiny_transformer():
    """Two blocks of each kind, with weights that fp8 holds exactly."""
    model = diffusers.FluxTransformer2DModel(
        in_channels=8,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=8,
        axes_dims_rope=(2, 2, 4),
        guidance_embeds=True,
    )
    state = {name: t.to(torch.float8_e4m3fn).float() for name, t in model.state_dict().items()}
    model.load_state_dict(state)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    saved = tmp_path_factory.mktemp("transformer")
    tiny_transformer().save_pretrained(saved, max_shard_size="20KB")
    return saved


def read(folder, dtype=torch.float32):
    return read_part(diffusers.FluxTransformer2DModel, folder, dtype)


def velocity(transformer):
    generator = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        return transformer(
            hidden_states=torch.randn(1, 6, 8, generator=generator),
            encoder_hidden_states=torch.randn(1, 4, 16, generator=generator),
            pooled_projections=torch.randn(1, 8, generator=generator),
            timestep=torch.tensor([0.5]),
            guidance=torch.tensor([30.0]),
            img_ids=torch.zeros(6, 3),
            txt_ids=torch.zeros(4, 3),
            return_dict=False,
        )[0]


def test_a_folder_of_shards_is_the_model_that_was_saved(folder):
    assert len(list(folder.glob("*.safetensors"))) > 1
    torch.manual_seed(0)
    saved, found = tiny_transformer().state_dict(), read(folder)
    assert all(torch.equal(tensor, saved[name]) for name, tensor in found.state_dict().items())
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())
    assert read(folder, torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_computes_the_same_for_weights_that_fp8_holds(folder, policy):
    expected = velocity(read(folder))
    transformer = read(folder)
    place_transformer(transformer, policy, CPU)
    for _ in range(2):
        with on_device(transformer, policy, CPU):
            torch.testing.assert_close(velocity(transformer), expected, atol=1e-5, rtol=0)
    stored = transformer.transformer_blocks[0].attn.to_q.weight.dtype
    assert stored == (torch.float32 if policy is Policy.HIGH else torch.float8_e4m3fn)
    assert transformer.transformer_blocks[0].norm1.linear.weight.dtype == torch.float32, "modulations are not cast"


def tiny_flux2():
    return diffusers.Flux2Transformer2DModel(
        in_channels=8,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        timestep_guidance_channels=16,
        axes_dims_rope=(2, 2, 2, 2),
    )


KEPT = {
    tiny_transformer: {"time_text_embed", "context_embedder", "x_embedder", "norm_out", "proj_out"},
    tiny_flux2: {
        "time_guidance_embed",
        "double_stream_modulation_img",
        "double_stream_modulation_txt",
        "single_stream_modulation",
        "x_embedder",
        "context_embedder",
        "norm_out",
        "proj_out",
    },
}


@pytest.mark.parametrize("make", KEPT)
@pytest.mark.parametrize("policy", [Policy.BALANCED, Policy.LOW])
def test_fp8_holds_the_blocks_layers_and_neither_norms_modulations_nor_embedders(make, policy):
    """Outside of the blocks nothing is cast; in a block everything but its norms, which hold FLUX.1's modulations."""
    transformer = make()
    place_transformer(transformer, policy, CPU)
    layers = {
        name: {parameter.dtype for parameter in layer.parameters(recurse=False)}
        for name, layer in transformer.named_modules()
        if any(True for _ in layer.parameters(recurse=False))
    }
    kept = {name for name, dtypes in layers.items() if dtypes == {torch.float32}}
    assert {name for name, dtypes in layers.items() if dtypes == {torch.float8_e4m3fn}} == layers.keys() - kept
    outside = {name for name in layers if not name.split(".")[0].endswith("transformer_blocks")}
    assert {name.split(".")[0] for name in outside} == KEPT[make]
    assert kept == outside | {name for name in layers if "norm" in name}


def test_low_brings_every_block_and_takes_it_away(folder):
    """What group offload does, seen by the hooks that it put on every block."""
    transformer = read(folder)
    place_transformer(transformer, Policy.LOW, CPU)
    blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
    assert all(block._diffusers_hook.get_hook("group_offloading") for block in blocks)


def test_under_balanced_a_part_leaves_when_its_work_ends_even_in_an_error(folder):
    moves = []
    transformer = read(folder)
    transformer.to = lambda where: moves.append(str(where))
    with pytest.raises(RuntimeError, match="full"), on_device(transformer, Policy.BALANCED, torch.device("meta")):
        raise RuntimeError("the card is full")
    assert moves == ["meta", "cpu"]


@pytest.mark.parametrize("policy", list(Policy))
def test_a_text_encoder_says_the_same_under_every_policy(policy):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(vocab_size=20, d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2)
    encoder, words = transformers.T5EncoderModel(config).eval(), torch.tensor([[3, 4, 5, 1]])
    with torch.inference_mode():
        expected = encoder(words)[0]
        place_encoder(encoder, policy, CPU)
        with on_device(encoder, policy, CPU):
            assert torch.equal(encoder(words)[0], expected)


def test_low_works_at_three_quarters_of_the_size():
    assert [working_px(policy, 1024) for policy in Policy] == [1024, 1024, 768]


def test_low_decodes_in_tiles_that_meet():
    autoencoder = diffusers.AutoencoderKL(
        block_out_channels=(4, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=2,
        norm_num_groups=1,
        use_quant_conv=False,
        use_post_quant_conv=False,
    ).eval()
    with torch.no_grad():
        for layer in autoencoder.modules():  # norms of a tile differ from those of the picture; these do nothing
            if isinstance(layer, torch.nn.GroupNorm):
                layer.forward = lambda x: x
    autoencoder.decoder.mid_block.attentions[0].forward = lambda x, **more: x
    latents = 0.1 * torch.randn(1, 2, TILE_PX // 2 + 60, 16)
    with torch.inference_mode():
        expected = autoencoder.decode(latents, return_dict=False)[0]
        place_autoencoder(autoencoder, Policy.LOW, CPU)
        seen = []
        decoder = autoencoder.decoder.forward
        autoencoder.decoder.forward = lambda z, *more: (seen.append(z.shape[-2]), decoder(z, *more))[1]
        found = autoencoder.decode(latents, return_dict=False)[0]
    assert seen[0] == TILE_PX // 2 < latents.shape[-2]
    torch.testing.assert_close(found, expected, atol=0.02 * float(expected.std()), rtol=0)


def test_a_key_that_is_left_out_is_the_only_one_that_is_not_warned_of(klein_folder, tmp_path, diffusers_warnings):
    """FLUX.2's published autoencoder says force_upcast, which its class does not read."""
    shutil.copytree(klein_folder / "vae", tmp_path / "vae")

    def warned(**options):
        diffusers_warnings.clear()
        read_part(diffusers.AutoencoderKLFlux2, tmp_path / "vae", torch.float32, **options)
        return diffusers_warnings.messages

    assert "force_upcast" in "".join(warned()), "or diffusers reads it by now, and it need not be left out"
    assert warned(without=("force_upcast",)) == []
    config = json.loads((tmp_path / "vae" / "config.json").read_text())
    (tmp_path / "vae" / "config.json").write_text(json.dumps(config | {"color": 1}))
    (warning,) = warned(without=("force_upcast",))
    assert "color" in warning
    assert "force_upcast" not in warning


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tensors: tensors.pop("proj_out.bias"),
        lambda tensors: tensors.update({"proj_out.bias": torch.zeros(3)}),
        lambda tensors: tensors.update({"proj_in.bias": torch.zeros(3)}),
    ],
)
def test_tensors_that_are_not_the_model_s_are_refused_by_name(folder, tmp_path, spoil):
    tensors = {name: t for file in folder.glob("*.safetensors") for name, t in load_file(file).items()}
    spoil(tensors)
    save_file(tensors, tmp_path / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UserError, match=r"is not FluxTransformer2DModel .* 1 of \d+ tensors .*proj_(in|out)\.bias"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "diffusion_pytorch_model.safetensors"])
def test_files_that_are_torn_or_missing_are_named(folder, tmp_path, name):
    save_file({"proj_out.bias": torch.zeros(8)}, tmp_path / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(UserError, match=f"{name} cannot be read"):
        read(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=str(tmp_path)):
        read(tmp_path)
