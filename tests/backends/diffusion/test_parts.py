"""Parts of a diffusion model from their files; the same results wherever their weights lie. Tiny random models."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vistadream.backends.diffusion.parts import read_part
from vistadream.backends.diffusion.placement import bytes_of, place, place_autoencoder, sizes_of
from vistadream.backends.diffusion.plan import TILE_PX, Plan
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


PLANS = {
    "as published": Plan(),
    "fp8": Plan(fp8=True),
    "streamed": Plan(streamed=(0, 2)),
    "streamed from the file": Plan(streamed=(0, 1, 2, 3), pinned=False),
    "fp8, streamed": Plan(fp8=True, streamed=(1, 2, 3)),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_computes_the_same_for_weights_that_fp8_holds(folder, name):
    plan, expected, transformer = PLANS[name], velocity(read(folder)), read(folder)
    place(transformer, plan, CPU)
    for _ in range(2):
        torch.testing.assert_close(velocity(transformer), expected, atol=1e-5, rtol=0)
    block = transformer.transformer_blocks[1]
    assert block.attn.to_q.weight.dtype == (torch.float8_e4m3fn if plan.fp8 else torch.float32)
    assert block.norm1.linear.weight.dtype == torch.float32, "modulations are not cast"


def test_sizes_are_those_of_the_tensors_and_of_their_storage_in_fp8(folder):
    transformer = read(folder)
    sizes = sizes_of(transformer, others=1000, fp8=True)
    assert len(sizes.blocks) == len(sizes.fp8_blocks) == 4
    assert sum(sizes.blocks) + sizes.rest - 1000 == bytes_of(transformer)
    assert sizes_of(transformer).fp8_blocks == ()
    place(transformer, Plan(fp8=True), CPU)
    blocks = [*transformer.transformer_blocks, *transformer.single_transformer_blocks]
    assert [bytes_of(block) for block in blocks] == list(sizes.fp8_blocks)


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
def test_fp8_holds_the_blocks_layers_and_neither_norms_modulations_nor_embedders(make):
    """Outside of the blocks nothing is cast; in a block everything but its norms, which hold FLUX.1's modulations."""
    transformer = make()
    place(transformer, Plan(fp8=True), CPU)
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


@pytest.mark.parametrize("streamed", [(), (0,), (0, 1)])
def test_a_text_encoder_says_the_same_wherever_its_layers_lie(streamed):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(vocab_size=20, d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2)
    encoder, words = transformers.T5EncoderModel(config).eval().requires_grad_(False), torch.tensor([[3, 4, 5, 1]])
    expected = encoder(words)[0]
    place(encoder, Plan(streamed=streamed, pinned=False), CPU)
    assert torch.equal(encoder(words)[0], expected)


def test_tiles_meet():
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
        place_autoencoder(autoencoder, Plan(tiles=True), CPU)
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
