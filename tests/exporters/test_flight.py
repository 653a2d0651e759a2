"""The flight that exporters share: its path, and its hole ratios."""

from dataclasses import replace

import pytest

from vistadream.core import Gaussians, Note, Progress, Scene
from vistadream.exporters.flight import FlightKnobs
from vistadream.trajectories.paths import Dolly, Swing


def test_hole_ratios_are_observed_once_and_are_those_of_the_renderings(scene: Scene, context) -> None:
    seen = []
    flight = context(scene, trajectory=Swing(0.3), observe=lambda *event: seen.append(event)).flight
    renderings = list(flight(("rgb",)))
    again = list(flight(("alpha",)))
    assert [one.rgb is None for one in (*renderings, *again)] == [False] * 4 + [True] * 4
    ratios = [float((one.alpha < 0.5).float().mean()) for one in renderings]
    assert list(flight.hole_ratios()) == ratios
    assert max(ratios) > 0
    assert [event[1:] for event in seen if event[0] == "export/hole_ratio"] == [(r, i) for i, r in enumerate(ratios)]
    assert [event[1] for event in seen if event[0] == "export/progress"] == [Progress(i, 4) for i in (1, 2, 3, 4)] * 2


def test_hole_ratios_need_no_videos(scene: Scene, context) -> None:
    assert list(context(scene).flight.hole_ratios()) == list(context(scene).flight.hole_ratios())
    assert len(context(scene).flight.hole_ratios()) == 4


def test_a_path_that_is_made_smaller_is_observed_when_it_is_first_needed(scene: Scene, context) -> None:
    seen = []
    flight = context(scene, trajectory=Dolly(0.9, 0.0), observe=lambda *event: seen.append(event)).flight
    assert not seen
    assert len(flight.cameras()) == len(flight.cameras()) == 4
    ((name, note),) = seen
    assert name == "export/path"
    assert isinstance(note, Note)
    assert "of its extent" in note.text


def test_a_flight_has_at_least_one_frame() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        FlightKnobs(None, 0)


def test_there_is_no_flight_through_a_scene_without_gaussians(scene: Scene, context) -> None:
    bare = replace(scene, views=tuple(replace(view, z=None) for view in scene.views), gaussians=Gaussians.empty())
    flight = context(bare).flight
    assert list(flight.cameras()) == list(flight(("rgb",))) == list(flight.hole_ratios()) == []
