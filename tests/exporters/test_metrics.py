"""The figures of a finished scene."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vistadream.config import configured
from vistadream.core import Note, Scene
from vistadream.exporters.metrics import Metrics, read_metrics
from vistadream.trajectories.paths import Swing


def test_the_figures_are_those_of_the_scene_and_its_flight(scene: Scene, context, tmp_path: Path) -> None:
    given = context(scene, trajectory=Swing(0.3), stage="coarse")
    Metrics()(scene, tmp_path, given)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics == read_metrics(tmp_path)
    assert (metrics["stage"], metrics["gaussians"], metrics["views"]) == ("coarse", 32 * 48, 1)
    holes = given.flight.hole_ratios()
    assert metrics["path_hole_ratio"] == {"mean": pytest.approx(np.mean(holes)), "largest": max(holes)}
    assert metrics["path_hole_ratio"]["largest"] > 0
    reach = given.reach()
    assert metrics["reach"] == {"every_direction": min(reach.moved.values()), **reach.moved}
    assert metrics["reach_turned_deg"] == reach.turned_deg


@pytest.mark.parametrize("is_metric", [True, False])
def test_the_unit_of_the_scene_is_named(is_metric: bool, scene: Scene, context, tmp_path: Path) -> None:
    scene = replace(scene, is_metric=is_metric)
    Metrics()(scene, tmp_path, context(scene))
    assert read_metrics(tmp_path)["is_metric"] is is_metric


@pytest.mark.parametrize(("near_z", "warned"), [(0.01, False), (1e9, True)])
def test_a_view_of_nothing_causes_a_warning(near_z: float, warned: bool, scene: Scene, context, tmp_path: Path) -> None:
    texts = []

    def observe(name, value, step=None) -> None:
        if isinstance(value, Note) and value.level == "warning":
            texts.append(value.text)

    Metrics()(scene, tmp_path, context(scene, configured("backends/render=cpu", near_z=near_z), observe=observe))
    assert any("covers 0% of the photo's own view" in text for text in texts) == warned


def test_no_file_means_no_figures(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == {}
