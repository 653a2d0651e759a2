"""The viewer's layout: an overview and one tab for each stage, made of what has been seen so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import rerun.blueprint as rrb

_PICTURES = ("image", "depth", "mask")
CONFIG = "config"


def layout(
    seen: Mapping[str, str], stages: Sequence[str], active: str | None = None, focus_z: float = 1.0
) -> rrb.Blueprint:
    """Tabs named overview and as the stages; `seen` maps entity paths to kinds (archetypes.Mark), oldest first.

    `focus_z` is the distance that the 3D eye turns around, in front of the input camera at the origin.
    """
    tabs: list[rrb.Container | rrb.View] = [_overview(seen, focus_z)]
    tabs += [_stage(stage, seen, stages, focus_z) for stage in stages]
    if CONFIG in seen:
        tabs.append(rrb.TextDocumentView(origin=f"/__properties/{CONFIG}", name=CONFIG))
    active_tab = 1 + stages.index(active) if active in stages else 0
    return rrb.Blueprint(
        rrb.Tabs(*tabs, active_tab=active_tab),
        rrb.BlueprintPanel(state="collapsed"),
        rrb.SelectionPanel(state="collapsed"),
        rrb.TimePanel(state="collapsed", timeline="log_time", play_state="following"),
        auto_views=False,
        auto_layout=False,
    )


def _overview(seen: Mapping[str, str], focus_z: float) -> rrb.Container:
    """The newest splats and all cameras, the input beside the newest picture, depth and mask, the plots, the log."""
    images = [path for path, kind in seen.items() if kind == "image"]
    newest = [*images[:1], *images[1:][-1:]] + [path for kind in ("depth", "mask") for path in _of(seen, kind)[-1:]]
    return _page("overview", "", _space(seen, ["/**"], _of(seen, "splats"), focus_z), newest, seen)


def _stage(stage: str, seen: Mapping[str, str], stages: Sequence[str], focus_z: float) -> rrb.Container:
    """What this stage showed, beside the newest splats and the cameras that it and the stages before it left."""
    mine = {path: kind for path, kind in seen.items() if _stage_of(path) == stage}
    so_far = stages[: stages.index(stage) + 1]
    splats = [path for path in _of(seen, "splats") if _stage_of(path) in so_far]
    space = _space(seen, [f"/{name}/**" for name in so_far], splats, focus_z)
    return _page(stage, stage, space, [p for p, kind in mine.items() if kind in _PICTURES], mine)


def _page(
    name: str, root: str, space: list[rrb.View], pictures: Sequence[str], seen: Mapping[str, str]
) -> rrb.Container:
    flat = [rrb.Spatial2DView(origin=f"/{path}", name=path.removeprefix(f"{root}/")) for path in pictures]
    side: list[rrb.View | rrb.Container] = [rrb.Grid(*flat)] if flat else []
    if _of(seen, "curve"):
        side.append(rrb.TimeSeriesView(origin=f"/{root}", name="losses"))
    charts = dict.fromkeys(path.rpartition("/")[0] for path in _of(seen, "chart"))
    side += [rrb.BarChartView(origin=f"/{path}", name=path.removeprefix(f"{root}/")) for path in charts]
    side.append(rrb.TextLogView(origin=f"/{root}", name="log"))
    shares = [1 + len(flat) // 2] * bool(flat) + [1] * (len(side) - bool(flat))
    column = rrb.Vertical(*side, row_shares=shares)
    return rrb.Horizontal(*space, column, column_shares=[3, 2] if space else [1], name=name)


def _space(seen: Mapping[str, str], within: Sequence[str], splats: Sequence[str], focus_z: float) -> list[rrb.View]:
    """The 3D view of the cameras `within` these paths and of the last of `splats`; none before there are any."""
    if not splats:
        return []
    hidden = [path for path, kind in seen.items() if kind in (*_PICTURES, "splats") and path != splats[-1]]
    eye = rrb.EyeControls3D(
        position=(0.15 * focus_z, -0.15 * focus_z, -0.35 * focus_z), look_target=(0, 0, focus_z), eye_up=(0, -1, 0)
    )
    contents = [*(f"+ {path}" for path in within), *(f"- /{path}" for path in hidden)]
    return [rrb.Spatial3DView(origin="/", contents=contents, name="scene", eye_controls=eye, line_grid=False)]


def _of(seen: Mapping[str, str], kind: str) -> list[str]:
    return [path for path, k in seen.items() if k == kind]


def _stage_of(path: str) -> str:
    return path.partition("/")[0]
