"""The viewer's layout."""

import pytest
import rerun.blueprint as rrb

from vistadream.observers.rerun.blueprint import USUAL, Layout

STAGES = ("load", "outpaint", "initialize", "coarse", "refine")
SEEN = {
    "load/input/rgb": "image",
    "initialize/loss": "curve",
    "initialize/gaussians": "splats",
    "coarse/selection/in_band": "chart",
    "coarse/selection/chosen": "chart",
    "coarse/hole": "mask",
    "coarse/view/z": "depth",
    "coarse/gaussians": "splats",
    "refine/after": "image",
    "refine/odd": "image",
}


def tabs(seen, **more):
    return {tab.name: tab for tab in Layout(STAGES, seen, **more).blueprint().root_container.contents}


def views(part):
    """All views below a container."""
    return [part] if isinstance(part, rrb.View) else [view for child in part.contents for view in views(child)]


def origins(part, kind):
    return [view.origin for view in views(part) if isinstance(view, kind)]


def hidden(part):
    (space,) = [view for view in views(part) if isinstance(view, rrb.Spatial3DView)]
    return {rule[3:] for rule in space.contents if rule.startswith("-")}


def test_a_tab_per_stage_from_the_start():
    assert list(tabs({})) == ["overview", *STAGES]
    assert all(views(tab) for tab in tabs({}).values())


@pytest.mark.parametrize(("active", "number"), [(None, 0), ("load", 1), ("refine", 5)])
def test_active_tab_follows_the_stage(active, number):
    assert Layout(STAGES, SEEN, active).blueprint().root_container.active_tab == number


@pytest.mark.parametrize("upright", [False, True])
def test_overview_has_all_that_a_run_is_about(upright):
    kinds = [type(view) for view in views(tabs(SEEN, upright_window=upright)["overview"])]
    assert kinds.count(rrb.Spatial2DView) == 4
    for kind in (rrb.Spatial3DView, rrb.TimeSeriesView, rrb.BarChartView, rrb.TextLogView):
        assert kinds.count(kind) == 1


def test_an_upright_window_has_one_column():
    assert isinstance(tabs(SEEN)["coarse"], rrb.Horizontal)
    assert isinstance(tabs(SEEN, upright_window=True)["coarse"], rrb.Vertical)


def test_upright_photos_get_more_columns():
    def columns(tab):
        found = [part for part in tab.contents if isinstance(part, rrb.Grid)]
        return found[0].grid_columns if found else max(columns(part) for part in tab.contents if part.contents)

    flat, upright = (tabs(SEEN, upright_window=True, upright_photo=tall)["coarse"] for tall in (False, True))
    assert columns(upright) > columns(flat)


def test_every_picture_has_its_view_in_its_stage():
    for stage in STAGES:
        pictures = [f"/{p}" for p, kind in SEEN.items() if kind in ("image", "depth", "mask") and p.startswith(stage)]
        assert origins(tabs(SEEN)[stage], rrb.Spatial2DView) == pictures


def test_what_a_stage_will_show_has_its_place_before_it_comes():
    before = tabs({"load/input/rgb": "image"}, active="coarse")
    coming = [f"/{p}" for p, kind in USUAL.items() if kind in ("image", "depth", "mask") and p.startswith("coarse")]
    assert origins(before["coarse"], rrb.Spatial2DView) == coming
    assert origins(before["coarse"], rrb.BarChartView) == ["/coarse/selection"]
    assert origins(before["overview"], rrb.Spatial2DView)[1] == "/coarse/render"
    assert not origins(before["initialize"], rrb.Spatial2DView), "it is over, and showed nothing"


def test_overview_shows_the_input_beside_the_newest():
    pictures = origins(tabs(SEEN)["overview"], rrb.Spatial2DView)
    assert pictures == ["/load/input/rgb", "/refine/odd", "/coarse/view/z", "/coarse/hole"]


def test_only_the_newest_splats_are_shown_and_no_flat_picture():
    away = hidden(tabs(SEEN)["refine"])
    assert "initialize/gaussians" in away
    assert "coarse/gaussians" not in away
    assert {"load/input/rgb", "coarse/hole", "coarse/view/z", "refine/after"} <= away


def test_a_stage_at_work_shows_the_splats_it_began_with_until_its_own_come():
    away = hidden(tabs(SEEN, active="refine")["refine"])
    assert not {"coarse/gaussians", "refine/gaussians"} & away


def test_no_empty_space_before_there_are_splats():
    assert not origins(tabs(SEEN)["outpaint"], rrb.Spatial3DView)


def test_plots_appear_where_there_is_something_to_plot():
    assert origins(tabs(SEEN)["coarse"], rrb.BarChartView) == ["/coarse/selection"]
    assert origins(tabs(SEEN)["initialize"], rrb.TimeSeriesView) == ["/initialize"]
    assert not origins(tabs(SEEN)["load"], rrb.TimeSeriesView)


def test_config_gets_a_tab_when_it_is_known():
    assert list(tabs(SEEN | {"config": "config"}))[-1] == "config"


def test_time_is_told_in_steps():
    assert Layout(STAGES, SEEN).blueprint().time_panel.timeline == "step"


SEVERAL = ("load", "register", "outpaint", "initialize", "coarse", "refine")
KINDS = {"view/rgb": "image", "view/z": "depth", "render": "image"}
LOADED = {f"load/photo/{i:03d}/rgb": "image" for i in range(60)}
REGISTERED = LOADED | {"register/points": "splats"} | {f"register/cameras/{i:03d}": "camera" for i in range(60)}
FITTED = REGISTERED | {"initialize/render": "image", "initialize/gaussians": "splats"}
FITTED |= {f"initialize/photo/{i:03d}/view/confidence": "mask" for i in range(60)}
FITTED |= {f"initialize/photo/{i:03d}/{below}": kind for i in range(60) for below, kind in KINDS.items()}


def of_several(seen, **more):
    return {tab.name: tab for tab in Layout(SEVERAL, seen, **more).blueprint().root_container.contents}


def test_of_many_photos_the_first_ones_have_panels():
    found = of_several(FITTED)
    assert origins(found["load"], rrb.Spatial2DView) == [f"/load/photo/{i:03d}/rgb" for i in range(12)]
    shown = origins(found["initialize"], rrb.Spatial2DView)
    assert shown == [
        *(f"/initialize/photo/{i:03d}/{below}" for i in range(3) for below in KINDS),
        "/initialize/render",
    ], "each photo whole, without masks"
    assert all(len(origins(tab, rrb.Spatial2DView)) <= 12 for tab in found.values())


def test_no_picture_of_any_photo_floats_in_space():
    pictures = {path for path, kind in FITTED.items() if kind in ("image", "depth", "mask")}
    assert pictures <= hidden(of_several(FITTED)["overview"])


def test_the_first_photo_stays_in_the_overview():
    for seen, active in ((LOADED, "register"), (FITTED, None)):
        assert origins(of_several(seen, active=active)["overview"], rrb.Spatial2DView)[0] == "/load/photo/000/rgb"


def test_the_places_of_the_photos_are_there_before_they_are_initialized():
    shown = origins(of_several(REGISTERED, active="initialize")["initialize"], rrb.Spatial2DView)
    assert "/initialize/photo/002/view/z" in shown
    assert "/initialize/depth/rgb" not in shown


def test_cameras_stand_in_space_once():
    assert "register/cameras/**" not in hidden(of_several(REGISTERED, active="initialize")["register"])
    assert "register/cameras/**" in hidden(of_several(FITTED)["initialize"])
    assert "register/cameras/**" not in hidden(of_several(FITTED)["register"])
