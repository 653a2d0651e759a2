"""The views of a scene as a dataset."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vistadream.core import Note, Scene, UserError
from vistadream.exporters.fastgs import FastgsDataset
from vistadream.formats.fastgs_dataset import read_dataset


def blind(scene: Scene, name: str) -> Scene:
    """The scene with a view of this name that supervises nothing."""
    return scene.with_views(replace(scene.anchor, name=name, supervise=torch.zeros(32, 48, dtype=torch.bool)))


def test_views_that_make_no_dataset_are_one_sentence(scene: Scene, context, tmp_path: Path) -> None:
    scene = blind(scene, "input")
    with pytest.raises(UserError, match=r"export=\[fastgs\]: .*nothing to write"):
        FastgsDataset()(scene, tmp_path, context(scene))
    assert not list(tmp_path.iterdir())


def test_the_views_are_left_as_a_dataset_and_one_of_the_same_scene_stays(scene: Scene, context, tmp_path: Path) -> None:
    notes = []

    def observe(name, value, step=None) -> None:
        assert (name, type(value)) == ("export/fastgs", Note)
        notes.append(value.text)

    scene = blind(replace(scene, is_metric=True), "hidden")
    FastgsDataset()(scene, tmp_path, context(scene, observe=observe))
    (sample,) = read_dataset(tmp_path / "fastgs")
    assert torch.equal(sample.view.z, scene.anchor.z)
    assert json.loads((tmp_path / "fastgs" / "meta.json").read_text())["is_metric"] is True
    assert "'hidden' is left out" in notes[0]
    before = (tmp_path / "fastgs" / "meta.json").stat().st_mtime_ns
    FastgsDataset()(scene, tmp_path, context(scene, observe=observe))
    assert (tmp_path / "fastgs" / "meta.json").stat().st_mtime_ns == before
    assert "stays as it is" in notes[1]
    assert [file.name for file in tmp_path.iterdir()] == ["fastgs"], "no draft is left"
