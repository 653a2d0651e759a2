"""The layout of the Rerun viewer: an overview and one tab for each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import rerun.blueprint as rrb

from vistadream.core import group_of
from vistadream.core.names import PHOTO

CONFIG = "config"
USUAL = {
    "load/input/rgb": "image",
    "register/points": "splats",
    "outpaint/hole": "mask",
    "outpaint/canvas/rgb": "image",
    "initialize/depth/rgb": "image",
    "initialize/depth/z": "depth",
    "initialize/render": "image",
    "initialize/loss": "curve",
    "initialize/gaussians": "splats",
    "coarse/hole": "mask",
    "coarse/before": "image",
    "coarse/view/rgb": "image",
    "coarse/view/z": "depth",
    "coarse/render": "image",
    "coarse/loss": "curve",
    "coarse/selection/chosen": "chart",
    "coarse/gaussians": "splats",
    "refine/before": "image",
    "refine/after": "image",
    "refine/render": "image",
    "refine/loss": "curve",
    "refine/gaussians": "splats",
}
"""What stages show, so that the layout reserves its place in advance: every new layout resets the viewer's camera."""
OF_ONE_PHOTO = ("load/input/rgb", "initialize/depth/rgb", "initialize/depth/z")
"""What is not shown of several photos."""
OF_EACH_PHOTO = {"view/rgb": "image", "view/z": "depth", "render": "image"}
"""What the stage initialize shows of each of several photos."""
MOST_PICTURES = 12
"""Picture panels of a tab; what more there is can be added to the layout by hand, as the recording has it."""
_PICTURES = ("image", "depth", "mask")


@dataclass(frozen=True)
class Layout:
    """Everything that the layout depends on."""

    stages: Sequence[str]
    seen: Mapping[str, str] = field(default_factory=dict)
    """Entity path -> kind (archetypes.Mark), in the order of their last change."""
    active: str | None = None
    """The running stage, whose tab is opened; None when no stage is running: the overview."""
    focus_z: float = 1.0
    """Distance of the orbit center of the 3D view, in front of the input camera at the origin."""
    upright_window: bool = False
    """Everything in one column, else in two."""
    upright_photo: bool = False

    def blueprint(self) -> rrb.Blueprint:
        """The layout as a blueprint for the viewer."""
        tabs: list[rrb.Container | rrb.View] = [self._overview(), *(self._stage(stage) for stage in self.stages)]
        if CONFIG in self.seen:
            tabs.append(rrb.TextDocumentView(origin=f"/__properties/{CONFIG}", name=CONFIG))
        return rrb.Blueprint(
            rrb.Tabs(*tabs, active_tab=1 + self.stages.index(self.active) if self.active in self.stages else 0),
            rrb.BlueprintPanel(state="collapsed"),
            rrb.SelectionPanel(state="collapsed"),
            rrb.TimePanel(state="collapsed", timeline="step", play_state="following"),
            auto_views=False,
            auto_layout=False,
        )

    def _known(self) -> dict[str, str]:
        """Paths and kinds of everything present or still expected, in the order in which a run shows it."""
        coming = self.stages[self.stages.index(self.active) :] if self.active in self.stages else ()
        everything = {**self._usual(), **self.seen}
        return {path: kind for path, kind in everything.items() if path in self.seen or _stage_of(path) in coming}

    def _usual(self) -> dict[str, str]:
        """What the stages of this run show."""
        if "register" not in self.stages:
            return USUAL
        loaded = [path.split("/") for path in self.seen if path.startswith(f"load/{PHOTO}/")]
        photos = dict.fromkeys(words[2] for words in loaded)
        each = {f"initialize/{PHOTO}/{name}/{below}": k for name in photos for below, k in OF_EACH_PHOTO.items()}
        return {path: kind for path, kind in USUAL.items() if path not in OF_ONE_PHOTO} | each

    def _overview(self) -> rrb.Container:
        """The newest splats and all cameras; the input, the newest picture, depth and mask; plots and log."""
        known = self._known()
        coming = {path: kind for path, kind in known.items() if _stage_of(path) == self.active}
        recent = {**self.seen, **{path: kind for path, kind in coming.items() if path not in self.seen}}
        first = [path for path in _of(known, "image") if _stage_of(path) == self.stages[0]]
        inputs = (first or _of(known, "image"))[:1]
        newest = [path for kind in _PICTURES for path in _of(recent, kind)[-1:] if path not in inputs]
        shown = {path: kind for path, kind in known.items() if kind in ("curve", "chart")}
        return self._page("overview", "", ["/**"], [*inputs, *newest], shown, _of(self.seen, "splats"))

    def _stage(self, stage: str) -> rrb.Container:
        """What this stage shows, with the newest splats and the cameras of this stage and the earlier ones."""
        mine = {path: kind for path, kind in self._known().items() if _stage_of(path) == stage}
        so_far = self.stages[: self.stages.index(stage) + 1]
        splats = [path for path in _of(self.seen, "splats") if _stage_of(path) in so_far]
        pictures = _panels(mine)
        return self._page(stage, stage, [f"/{name}/**" for name in so_far], pictures, mine, splats)

    def _page(
        self,
        name: str,
        root: str,
        within: Sequence[str],
        pictures: Sequence[str],
        shown: Mapping[str, str],
        splats: Sequence[str],
    ) -> rrb.Container:
        space = [self._space(within, splats)] if splats or _of(shown, "splats") else []
        columns = 1 + (len(pictures) > 1) + (len(pictures) > 4 and self.upright_window) + 2 * self.upright_photo
        columns = max(columns, 3) if len(pictures) > 8 else columns
        flat = [rrb.Spatial2DView(origin=f"/{path}", name=_below(root, path)) for path in pictures]
        grids = [rrb.Grid(*flat, grid_columns=columns)] if flat else []
        plots = _plots(root, shown)
        log = rrb.TextLogView(origin=f"/{root}", name="log", columns=_LOG_COLUMNS)
        column: list[rrb.View | rrb.Container] = [*grids, *plots]
        shares = [2.0 + (len(pictures) > 2)] * len(grids) + [1.0] * len(plots)
        if self.upright_window or not space or not column:
            return rrb.Vertical(*space, *column, log, row_shares=[4.0] * len(space) + shares + [1.0], name=name)
        left = rrb.Vertical(*space, log, row_shares=[7, 2])
        return rrb.Horizontal(left, rrb.Vertical(*column, row_shares=shares), column_shares=[3, 2], name=name)

    def _space(self, within: Sequence[str], splats: Sequence[str]) -> rrb.View:
        """The 3D view of the cameras `within` these paths and of the last of `splats`, or of splats still expected."""
        flat = [path for path, kind in self._known().items() if kind in _PICTURES]
        z = self.focus_z
        eye = rrb.EyeControls3D(position=(0.15 * z, -0.15 * z, -0.35 * z), look_target=(0, 0, z), eye_up=(0, -1, 0))
        older = [path for path in _of(self.seen, "splats") if path not in splats[-1:]]
        hidden = [*flat, *older, *self._doubles(within)]
        contents = [*(f"+ {path}" for path in within), *(f"- /{path}" for path in hidden)]
        return rrb.Spatial3DView(origin="/", contents=contents, name="scene", eye_controls=eye, line_grid=False)

    def _doubles(self, within: Sequence[str]) -> list[str]:
        """The cameras of the stage register, once those of the stage initialize show the same photos with depth."""
        again = any(path.startswith(f"initialize/{PHOTO}/") for path in self.seen)
        return ["register/cameras/**"] if again and {"/**", "/initialize/**"} & set(within) else []


_LOG_COLUMNS = rrb.TextLogColumns(timeline_columns=[], text_log_columns=["LogLevel", "Body"])


def _plots(root: str, shown: Mapping[str, str]) -> list[rrb.View]:
    charts = dict.fromkeys(path.rpartition("/")[0] for path in _of(shown, "chart"))
    bars = [
        rrb.BarChartView(
            origin=f"/{path}",
            name=f"{_below(root, path)}: hole by pose; blue in the band, orange chosen",
            plot_legend=rrb.PlotLegend(visible=False),
        )
        for path in charts
    ]
    legend = rrb.PlotLegend(corner=rrb.Corner2D.RightTop)
    curves = rrb.TimeSeriesView(origin=f"/{root}", name="losses", plot_legend=legend)
    return [*([curves] if _of(shown, "curve") else []), *bars]


def _panels(shown: Mapping[str, str]) -> list[str]:
    """The pictures of a stage that get a panel, at most MOST_PICTURES: of photos colors and depth, the first ones."""
    pictures = [path for path, kind in shown.items() if kind in _PICTURES]
    others = [path for path in pictures if group_of(path) == _stage_of(path)]
    photos: dict[str, list[str]] = {}
    for path in pictures:
        if path not in others and shown[path] != "mask":
            photos.setdefault(group_of(path), []).append(path)
    panels: list[str] = []
    for photo in photos.values():
        if len(panels) + len(photo) + len(others) > MOST_PICTURES:
            break
        panels += photo
    return [*panels, *others][:MOST_PICTURES]


def _of(paths: Mapping[str, str], kind: str) -> list[str]:
    return [path for path, k in paths.items() if k == kind]


def _below(root: str, path: str) -> str:
    return path.removeprefix(f"{root}/").removeprefix(f"{PHOTO}/")


def _stage_of(path: str) -> str:
    return path.partition("/")[0]
