"""Exporters and observers copy what they write: a scene on a GPU gives the files of the CPU."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.devices.fake_device import FakeDevice

import vistadream
from vistadream.assets import sample_image
from vistadream.core import ExportContext, Scene
from vistadream.observers.record import pictures
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.archetypes import marks

ALL = {file.stem for file in (Path(__file__).parents[2] / "conf" / "export").glob("*.yaml")}
OF_GAUSSIANS = {"fastgs", "gaussians", "metrics", "video"}
NAMES = sorted(ALL - {"report", "feat_vis", "recording"})
"""Without what observers kept, what needs a network (test_feature_pictures.py), and what holds times of its own."""


@pytest.mark.parametrize("name", NAMES)
def test_an_exporter_writes_the_same_files(
    name: str, scene: Scene, cube: Scene, context: Callable[..., ExportContext], tmp_path: Path
) -> None:
    given = scene if name in OF_GAUSSIANS else cube
    exporter = vistadream.job(sample_image(), knobs={"export": [name]}).exporters[name]
    wanted, found = tmp_path / "cpu", tmp_path / "cuda"
    for folder in (wanted, found):
        folder.mkdir()
    exporter(given, wanted, context(given))
    with FakeDevice():
        exporter(given.to("cuda"), found, context(given.to("cuda")))
    files = sorted(file.relative_to(wanted) for file in wanted.rglob("*") if file.is_file())
    assert files
    for file in files:
        assert (found / file).read_bytes() == (wanted / file).read_bytes(), file


def test_a_recording_of_a_scene_of_a_gpu_is_as_large(
    cube: Scene, context: Callable[..., ExportContext], tmp_path: Path
) -> None:
    exporter = vistadream.job(sample_image(), knobs={"export": ["recording"]}).exporters["recording"]
    facts = {"stages": {"refine": {"seconds": 1.0}}}
    sizes: list[int] = []
    for name in ("cpu", "cuda"):
        (tmp_path / name).mkdir()
        with FakeDevice():
            given = cube.to(name)
            exporter(given, tmp_path / name, replace(context(given), facts=lambda: facts))
        sizes.append((tmp_path / name / "scene.rrd").stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_observers_show_a_scene_of_a_gpu(cube: Scene) -> None:
    settings = vistadream.config.compose(["rerun.mode=save"]).make("rerun", RerunSettings)
    wanted, kinds = list(pictures(cube)), [(mark.kind, mark.below) for mark in marks(cube, settings)]
    with FakeDevice():
        there = cube.to("cuda")
        assert [(mark.kind, mark.below) for mark in marks(there, settings)] == kinds
        for (name, picture), (wanted_name, wanted_picture) in zip(pictures(there), wanted, strict=True):
            assert name == wanted_name
            assert np.array_equal(picture, wanted_picture)
