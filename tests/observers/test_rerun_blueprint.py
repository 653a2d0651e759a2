"""The viewer's layout."""

import pytest
import rerun.blueprint as rrb

from vistadream.observers.rerun.blueprint import layout

STAGES = ("load", "outpaint", "initialize", "coarse", "refine")
SEEN = {
    "load/input": "camera",
    "load/input/rgb": "image",
    "initialize/loss": "curve",
    "initialize/gaussians": "splats",
    "coarse/selection/in_band": "chart",
    "coarse/selection/chosen": "chart",
    "coarse/hole": "mask",
    "coarse/view/z": "depth",
    "coarse/gaussians": "splats",
    "refine/after": "image",
}


def tabs(seen, **more):
    return {tab.name: tab for tab in layout(seen, STAGES, **more).root_container.contents}


def views(part):
    """All views below a container."""
    return [part] if isinstance(part, rrb.View) else [view for child in part.contents for view in views(child)]


def origins(part, kind):
    return [view.origin for view in views(part) if isinstance(view, kind)]


def test_a_tab_per_stage_from_the_start():
    assert list(tabs({})) == ["overview", *STAGES]
    assert all(views(tab) for tab in tabs({}).values())


@pytest.mark.parametrize(("active", "number"), [(None, 0), ("load", 1), ("refine", 5)])
def test_active_tab_follows_the_stage(active, number):
    assert layout(SEEN, STAGES, active).root_container.active_tab == number


def test_every_picture_has_its_view_in_its_stage():
    for stage in STAGES:
        pictures = [f"/{p}" for p, kind in SEEN.items() if kind in ("image", "depth", "mask") and p.startswith(stage)]
        assert origins(tabs(SEEN)[stage], rrb.Spatial2DView) == pictures


def test_overview_shows_the_input_beside_the_newest():
    pictures = origins(tabs(SEEN)["overview"], rrb.Spatial2DView)
    assert pictures == ["/load/input/rgb", "/refine/after", "/coarse/view/z", "/coarse/hole"]


def test_only_the_newest_splats_are_shown_and_no_flat_picture():
    (space,) = [view for view in views(tabs(SEEN)["refine"]) if isinstance(view, rrb.Spatial3DView)]
    hidden = {rule[3:] for rule in space.contents if rule.startswith("-")}
    assert "initialize/gaussians" in hidden
    assert "coarse/gaussians" not in hidden
    assert {"load/input/rgb", "coarse/hole", "coarse/view/z", "refine/after"} <= hidden


def test_no_empty_space_before_there_are_splats():
    assert not origins(tabs(SEEN)["outpaint"], rrb.Spatial3DView)


def test_plots_appear_where_there_is_something_to_plot():
    assert origins(tabs(SEEN)["coarse"], rrb.BarChartView) == ["/coarse/selection"]
    assert origins(tabs(SEEN)["initialize"], rrb.TimeSeriesView) == ["/initialize"]
    assert not origins(tabs(SEEN)["load"], rrb.TimeSeriesView)


def test_config_gets_a_tab_when_it_is_known():
    assert list(tabs(SEEN | {"config": "config"}))[-1] == "config"
