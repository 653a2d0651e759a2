"""The benchmark of the graphics card runs anywhere with tiny models, and its full sizes are the published ones."""

import math
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra `models` is not installed")
pytest.importorskip("moge.model.v2", reason="the package moge is not installed: requirements/moge.txt")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu
import gpu_models

from vistadream.backends.diffusion.placement import bytes_of, sizes_of
from vistadream.backends.diffusion.plan import plans
from vistadream.backends.weights.policy import Budget, Policy
from vistadream.backends.weights.table import MODELS
from vistadream.config import compose, configured

RENDERER = configured("backends/render=cpu")


@pytest.mark.parametrize("part", ["depth", "flux-fill", "flux2-klein"])
def test_each_policy_of_a_model_is_a_row(part, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--tiny", "--only", part]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert [row[0].strip() for row in rows[2:]] == ["high", "balanced", "low"]
    assert {row[3].strip() for row in rows[2:]} == {"no GPU"}
    assert {row[5].strip() for row in rows[2:]} == {"yes"}


def test_a_run_is_measured_by_stages(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--tiny", "--only", "renderer", "run"]) == 0
    said = capsys.readouterr().out
    assert "renderer: skipped, torch sees no NVIDIA GPU" in said
    rows = [line.split("|")[1:-1] for line in said.splitlines() if line.startswith("|")]
    assert [row[0].strip() for row in rows[2:]] == list(compose([]).order)
    assert {row[2].strip() for row in rows[2:]} == {"no GPU"}


def test_a_part_that_fails_is_told_and_the_others_run(capsys, monkeypatch):
    def breaks(options, scratch):
        raise RuntimeError("broken")

    monkeypatch.setitem(gpu.PARTS, "depth", breaks)
    monkeypatch.setitem(gpu.PARTS, "run", lambda options, scratch: sys.stdout.write("the run"))
    assert gpu.main(["--tiny", "--only", "depth", "run"]) == 1
    assert "depth: failed" in (said := capsys.readouterr()).out
    assert "the run" in said.out
    assert "broken" in said.err


def test_both_renderers_are_compared_by_pictures_and_gradients():
    """The measure itself, with one renderer as both."""
    from renderer_scenes import SCENES

    gaussians, camera = SCENES["box room"](16, 12)
    maps, gradients, _ = gpu.iteration(RENDERER, gaussians, camera)
    again, same, _ = gpu.iteration(RENDERER, gaussians, camera)
    assert gpu.difference(maps, again) == [0, 0, 0]
    assert all(cosine == pytest.approx(1) for cosine in gpu.agreement(gradients, same).values())
    assert max(gpu.difference(maps, [m + 0.5 for m in maps])) == pytest.approx(0.5, abs=1e-4)
    assert gpu.agreement(gradients, {name: -g for name, g in same.items()})["means"] == pytest.approx(-1)


def test_the_full_sizes_are_the_published_ones():
    """In bfloat16 the published parts have 23.8, 9.5 and 7.75, 8.05 GB."""
    import diffusers
    import transformers

    def billions(part_class, sizes):
        with torch.device("meta"):
            return sum(math.prod(p.shape) for p in part_class(sizes).parameters()) / 1e9

    flux, klein = gpu_models.FLUX, gpu_models.KLEIN
    for found, wanted in [
        (billions(diffusers.FluxTransformer2DModel.from_config, flux["transformer"]), 11.90),
        (billions(lambda c: transformers.T5EncoderModel(transformers.T5Config(**c)), flux["text_encoder_2"]), 4.762),
        (billions(diffusers.Flux2Transformer2DModel.from_config, klein["transformer"]), 3.876),
        (
            billions(lambda c: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**c)), klein["text_encoder"]),
            4.022,
        ),
    ]:
        assert found == pytest.approx(wanted, abs=5e-4 * wanted)


@pytest.mark.parametrize(("name", "sizes"), [("flux-fill", gpu_models.FLUX), ("flux2-klein-4b", gpu_models.KLEIN)])
def test_the_table_s_figures_are_those_of_the_plans(name, sizes):
    """For whole cards, of 24 GB and of 12 GB, with the published sizes."""
    transformer, autoencoder = published(name, sizes)
    of = sizes_of(transformer, others=bytes_of(autoencoder), fp8=True)
    for policy in Policy:
        budget = Budget(policy, min(80e9, policy.card_bytes), 32e9)
        peak = max(plan.card_bytes for plan in plans(lambda: of, budget, 1024 * 1024))
        assert getattr(MODELS[name].memory, policy) == pytest.approx(peak / 1e9, abs=0.06)


def published(name, sizes):
    """Transformer and autoencoder of a model, without weights."""
    import diffusers

    kinds = {"flux-fill": ("FluxTransformer2DModel", "AutoencoderKL")}
    transformer, autoencoder = kinds.get(name, ("Flux2Transformer2DModel", "AutoencoderKLFlux2"))
    with torch.device("meta"):
        return (
            getattr(diffusers, transformer).from_config(sizes["transformer"]).bfloat16(),
            getattr(diffusers, autoencoder).from_config(sizes["vae"]).bfloat16(),
        )
