"""A whole run with its scene on a GPU, which is the pretended one of fake_device.py without a real one."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.devices.fake_device import FakeDevice

from vistadream.app import job_from_words
from vistadream.core import Gaussians
from vistadream.session import Run, run

SHORT = [
    *("max_resolution=40", "rerun.mode=off", "export=[gaussians,metrics,report,video]", "flight.frames=3"),
    *("stages.initialize.steps=3", "stages.coarse.steps=3", "stages.refine.steps=6", "stages.coarse.n_frames=1"),
    *("stages.coarse.rule.max_hole=0.7", "recipe=quick"),
]


def ran(out: Path, device: str, seen: list[str]) -> Run:
    def observe(name: str, value: object, step: int | None = None) -> None:
        if isinstance(value, Gaussians):
            seen.append(value.means.device.type)

    job = replace(job_from_words([*SHORT, f"out={out}"]), device=device)
    return run(job, observers=[observe])


@pytest.mark.parametrize("kind", ["pretended", *(["real"] if torch.cuda.is_available() else [])])
def test_a_run_on_a_gpu_gives_the_scene_of_the_cpu(tmp_path: Path, kind: str) -> None:
    """Render=cpu copies the scene at each drawing; all else computes where the scene is."""
    here, there = [], []
    expected = ran(tmp_path / "cpu", "cpu", here)
    with FakeDevice() if kind == "pretended" else nullcontext():
        found = ran(tmp_path / "gpu", "cuda", there)
    assert set(here) == {"cpu"}
    assert set(there) == {"cuda"}
    assert found.scene.gaussians.means.device.type == "cpu"
    assert len(found.scene.gaussians) == pytest.approx(len(expected.scene.gaussians), rel=0.02)
    assert found.metrics["input_psnr_db"] == pytest.approx(expected.metrics["input_psnr_db"], abs=0.3)
    assert found.metrics["input_ssim"] == pytest.approx(expected.metrics["input_ssim"], abs=0.01)
    assert {file.name for file in (found.folder / "export").iterdir()} == {
        file.name for file in (expected.folder / "export").iterdir()
    }


def test_a_run_on_a_gpu_without_double_precision(tmp_path: Path) -> None:
    """As on Apple's GPUs, and with the CPU's renderer: nothing else needs CUDA."""
    seen: list[str] = []
    with FakeDevice("mps"):
        found = ran(tmp_path, "mps", seen)
    assert set(seen) == {"mps"}
    assert found.metrics["input_psnr_db"] > 20
