"""The benchmark of the graphics card runs anywhere with tiny models, and its full sizes are the published ones."""

import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra `models` is not installed")
pytest.importorskip("moge.model.v2", reason="the package moge is not installed: requirements/moge.txt")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import gpu
import gpu_models
import gpu_renderers
import gpu_steps

from vistadream.backends.diffusion.placement import bytes_of, sizes_of
from vistadream.backends.diffusion.plan import plans
from vistadream.backends.weights.policy import Budget, Policy
from vistadream.backends.weights.table import MODELS
from vistadream.config import compose, configured
from vistadream.ops.fit.photometric import l1_dssim

RENDERER = configured("backends/render=cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(gpu_steps, "_SECONDS", 0.1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def rows_of(said):
    rows = [line.split("|")[1:-1] for line in said.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("part", ["depth", "flux-fill", "flux2-klein", "sharp"])
def test_each_policy_of_a_model_is_a_row(part, capsys):
    assert gpu.main(["--tiny", "--only", part]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert [row[0] for row in rows] == ["high", "balanced", "low"]
    assert {row[3] for row in rows} == {"no GPU"}
    assert all(0 < float(row[4]) < 10 for row in rows)


def test_our_step_is_beside_the_plain_one(capsys):
    assert gpu.main(["--tiny", "--only", "steps"]) == 0
    ((size, plain, ours, ratio, whole, whole_ratio),) = rows_of(capsys.readouterr().out)
    assert size == "768 at 32x24"
    assert float(ratio) == pytest.approx(float(ours) / float(plain), rel=0.02)
    assert float(whole_ratio) == pytest.approx(float(whole) / float(plain), rel=0.02)
    assert float(whole) > 0


def test_the_plain_loop_descends_and_its_similarity_is_that_of_the_fit():
    gaussians, views = gpu_steps.views_of(32, 24)
    assert float(gpu_steps.ssim(views[0].rgb, views[0].rgb)) == pytest.approx(1, abs=1e-5)
    x, y = torch.nn.functional.pad(
        torch.rand(2, 40, 50, 3), (0, 0, 12, 12, 12, 12)
    )  # a dark rim: both agree at borders
    assert 1 - float(l1_dssim(x, y, torch.ones(64, 74), 1.0)) == pytest.approx(float(gpu_steps.ssim(x, y)), abs=1e-4)
    blurred = replace(gaussians, colors=0.5 * gaussians.colors)
    run = gpu_steps.plain(blurred, views)
    run(1)
    before = _error(blurred, views)
    run(30)
    parameters = run.__closure__[list(run.__code__.co_freevars).index("parameters")].cell_contents
    after = replace(blurred, colors=parameters[4].detach())
    assert _error(after, views) < before


def _error(gaussians, views):
    with torch.no_grad():
        return sum(float((RENDERER(gaussians, [v.camera])[0].rgb - v.rgb).abs().mean()) for v in views)


def test_a_run_is_measured_by_stages_and_needs_no_viewer(tmp_path):
    """With rerun-sdk missing, by a module of its name that cannot be imported, also in processes that it starts."""
    (tmp_path / "rerun.py").write_text("raise ImportError('rerun-sdk is not installed')")
    command = [sys.executable, gpu.__file__, "--tiny", "--only", "renderer", "kernels", "start", "fine-512"]
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "renderer: skipped, torch sees no NVIDIA GPU" in done.stdout
    assert "kernels: skipped, torch sees no NVIDIA GPU" in done.stdout
    assert "stage=no-outpaint from process start" in done.stdout
    assert [row[0] for row in rows_of(done.stdout)] == list(compose([]).order)


def test_a_part_that_fails_is_told_and_the_others_run(capsys, monkeypatch):
    def breaks(tiny, scratch):
        raise RuntimeError("broken")

    monkeypatch.setitem(gpu.PARTS, "depth", gpu.Part(breaks, 9))
    monkeypatch.setitem(gpu.PARTS, "steps", gpu.Part(lambda tiny, scratch: sys.stdout.write("the steps"), 9))
    assert gpu.main(["--tiny", "--only", "depth", "steps"]) == 1
    assert "depth: failed" in (said := capsys.readouterr()).out
    assert "the steps" in said.out
    assert "broken" in said.err


def test_a_part_is_stopped_at_its_limit_and_left_out_when_the_time_is_over(capfd, monkeypatch, tmp_path):
    """By a script in the place of the benchmark, whose part starts a process and waits for it."""
    slow = tmp_path / "slow.py"
    slow.write_text("import subprocess, sys; subprocess.run(['sleep', '60'] if 'depth' in sys.argv else ['true'])")
    monkeypatch.setattr(gpu, "__file__", str(slow))
    monkeypatch.setitem(gpu.PARTS, "depth", gpu.Part(gpu.steps, 6))
    begun = time.perf_counter()
    assert not gpu.in_a_process("depth", [], begun + 100)
    assert time.perf_counter() - begun < 30
    assert gpu.in_a_process("steps", [], time.perf_counter() + 60)
    assert not gpu.in_a_process("steps", [], time.perf_counter() + 1)
    said = capfd.readouterr().out
    assert "stopped at its limit of 6 s" in said
    assert "steps: left out, the time is over" in said


def test_all_parts_together_have_a_limit_below_eight_minutes():
    assert gpu.ALL_S < 480
    assert sum(part.limit_s for part in gpu.PARTS.values()) > gpu.ALL_S, "or the limit of all is not needed"


def test_both_renderers_are_compared_by_pictures_and_gradients():
    """The measure itself, with one renderer as both."""
    from renderer_scenes import SCENES

    gaussians, camera = SCENES["box room"](16, 12)
    maps, gradients, _ = gpu_renderers.iteration(RENDERER, gaussians, camera)
    again, same, _ = gpu_renderers.iteration(RENDERER, gaussians, camera)
    assert gpu_renderers.difference(maps, again) == [0, 0, 0]
    assert all(cosine == pytest.approx(1) for cosine in gpu_renderers.agreement(gradients, same).values())
    assert max(gpu_renderers.difference(maps, [m + 0.5 for m in maps])) == pytest.approx(0.5, abs=1e-4)
    assert gpu_renderers.agreement(gradients, {name: -g for name, g in same.items()})["means"] == pytest.approx(-1)


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
