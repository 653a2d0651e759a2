"""New views along the camera path, painted where the scene has holes and added to it, one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from vistadream.core import (
    Camera,
    Captioner,
    Chart,
    DepthEstimator,
    Gaussians,
    Note,
    Observer,
    Outpainter,
    Progress,
    Renderer,
    Scene,
    Summary,
    Trajectory,
    View,
)
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.fit.loop import LearningRates, fit, view_order
from vistadream.ops.fit.losses import photometric
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.holes.fill import clean_hole, fill_from_far_side
from vistadream.ops.holes.selection import Selection, SelectionRule, score_poses, select_pose
from vistadream.ops.holes.visibility import behind_what_shines_through, push_behind
from vistadream.ops.image.pixels import dilate, snap
from vistadream.stages.painting import Painter

_OPAQUE = 0.9
"""Pixels with this much alpha have a surface already: no second one is laid over it."""
_STRIDE = 1.25
"""Factor by which the path grows while it shows no hole."""


@dataclass(frozen=True)
class Coarse:
    """Chooses the pose with the most hole inside the band, paints it, lifts the hole's pixels and fits all together."""

    depth: DepthEstimator
    outpainter: Outpainter
    captioner: Captioner
    renderer: Renderer
    trajectory: Trajectory
    rule: SelectionRule
    rates: LearningRates
    n_frames: int
    """Views added at most."""
    n_candidates: int
    """Poses along the path to choose from."""
    overshoot: float
    """Where the path shows no hole worth a view, it is followed up to so many times further out."""
    n_closing: int
    """Poses along the path at which small holes are closed in the end."""
    margin_px: int
    """A candidate sees this much more on each side than the photo does."""
    steps: int
    """Steps of the fit after each new view."""
    close_ups: float
    """Share of them that look at a quarter of a View at twice its size."""
    dssim: float
    generated_weight: float
    sigma_px: float
    thickness: float
    max_misfit: float
    """A predicted depth that misses the known one by more than this (median, relative, after alignment) is not used."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, n_frames=FROM_0, n_closing=FROM_0, margin_px=FROM_0, steps=FROM_0, max_misfit=FROM_0)
        check_ranges(self, n_candidates=FROM_1, overshoot=FROM_1, generated_weight=FROM_0)
        check_ranges(self, close_ups=(0, 1), dssim=(0, 1), sigma_px=(0.01, 100), thickness=(0.001, 100))

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        flight, path = self._path(scene, observe)
        chosen: list[int] = []
        rows: list[dict] = []
        for k in range(self.n_frames):
            selection = self._select(scene, path, chosen, observe, k)
            if selection.pose is None:
                break
            before = len(scene.gaussians)
            scene = self._add(scene, path[selection.pose], f"coarse_{k:02d}", self.seed + k, observe)
            chosen.append(selection.pose)
            rows.append(
                {
                    "pose": selection.pose,
                    "hole_ratio": round(selection.ratio, 5),
                    "gaussians_added": len(scene.gaussians) - before,
                }
            )
        scene = self._close(scene, flight, observe)
        observe("coarse/summary", _summary(rows, selection if self.n_frames else None, len(scene.gaussians)))
        return scene

    def _path(self, scene: Scene, observe: Observer) -> tuple[list[Camera], list[Camera]]:
        """The path as it will be flown, and the path to choose from: the same, or one that goes far enough out."""
        clear = keep_clear(self.trajectory, scene, self.n_candidates)
        if clear.note:
            observe("coarse/path", clear.note)
        flight = path = self._padded(clear.cameras)
        reached = 1.0
        while reached < self.overshoot and not self._shows_holes(scene, path):
            factor = min(_STRIDE * reached, self.overshoot)
            try:
                further = self.trajectory.scaled(factor)
            except ValueError:  # a knob of the path has an upper bound
                break
            if further is self.trajectory:  # given poses stay where they are
                break
            path, reached = self._padded(keep_clear(further, scene, self.n_candidates).cameras), factor
        if reached > 1:
            observe("coarse/overshoot", Note(f"the path shows no hole: poses are sought {reached:.2g} times as far"))
        return flight, path

    def _padded(self, cameras: list[Camera]) -> list[Camera]:
        m = self.margin_px
        return [camera.pad(m, m, m, m) for camera in cameras]

    def _shows_holes(self, scene: Scene, path: list[Camera]) -> bool:
        return max(score_poses(scene.gaussians, path, self.renderer, [], self.rule)) >= self.rule.min_hole

    def _select(self, scene: Scene, path: list[Camera], chosen: list[int], observe: Observer, k: int) -> Selection:
        """Scores all poses on alpha at low resolution; a hole is where over half of the light would pass."""
        ratios = score_poses(scene.gaussians, path, self.renderer, chosen, self.rule)
        selection = select_pose(ratios, chosen, self.rule)
        band = (self.rule.min_hole, self.rule.max_hole)
        poses = tuple(float(i) for i in range(len(ratios)))
        frame = "coarse" if selection.pose is None else f"coarse/{k:02d}"
        if selection.diagnosis.largest >= self.rule.min_hole:  # else the chart would be empty
            observe(f"{frame}/selection", Chart("hole ratio", poses, tuple(ratios), band, selection.pose))
        observe(f"{frame}/pose", Note(_words(k, selection)))
        return selection

    def _add(self, scene: Scene, camera: Camera, name: str, seed: int, observe: Observer) -> Scene:
        """The scene with one more View, and a Gaussian for each of its pixels that has no surface yet."""
        with torch.no_grad():
            seen = self.renderer(scene.gaussians, [camera])[0]
        hole = clean_hole(seen.alpha)
        path = name.replace("_", "/")
        observe(f"{path}/hole", hole)
        observe(f"{path}/before", seen.rgb)
        bare = hole & (seen.alpha < _OPAQUE)
        prompt = self.captioner(scene.anchor.rgb)
        painter = Painter(self.depth, self.outpainter, prompt, self.max_misfit)
        rgb, z, confidence = painter(
            camera, seen.rgb, seen.z, hole, seed, lambda key, value: observe(f"{path}/{key}", value)
        )
        z = behind_what_shines_through(z, seen, hole)
        z, hiding = push_behind(camera, z, hole, scene.views)
        supervise, lift, generated = dilate(hole, 2), bare & ~hiding, torch.ones_like(hole)
        view = View(name, camera, snap(rgb), z, supervise, lift, generated, confidence=confidence, origin="novel")
        observe(f"{path}/view", view)
        new = lift_view(view, self.sigma_px, self.thickness)
        scene = replace(scene, views=(*scene.views, view), gaussians=Gaussians.concat(scene.gaussians, new))
        return replace(scene, gaussians=self._fit(scene, path, seed, observe))

    def _close(self, scene: Scene, path: list[Camera], observe: Observer) -> Scene:
        """The scene with the small holes that are left along the path continued from their far side."""
        before = len(scene.gaussians)
        poses = [path[round(i * (len(path) - 1) / max(1, self.n_closing - 1))] for i in range(self.n_closing)]
        for i, camera in enumerate(poses):
            with torch.no_grad():
                seen = self.renderer(scene.gaussians, [camera])[0]
            hole = clean_hole(seen.alpha)
            if bool(hole.any()) and not bool(hole.all()):
                rgb, z = fill_from_far_side(seen.rgb, seen.z, hole)
                z, hiding = push_behind(camera, z, hole, scene.views)
                bare = hole & (seen.alpha < _OPAQUE) & ~hiding
                filled = View("closed", camera, rgb, z, hole, bare, torch.ones_like(hole), origin="novel")
                closed = lift_view(filled, self.sigma_px, self.thickness)
                scene = replace(scene, gaussians=Gaussians.concat(scene.gaussians, closed))
            observe("coarse/closing/progress", Progress(i + 1, len(poses)))
        observe("coarse/closed", Note(f"{len(scene.gaussians) - before:,} Gaussians close what was left of holes"))
        return scene

    def _fit(self, scene: Scene, name: str, seed: int, observe: Observer) -> Gaussians:
        """All Gaussians together; half of the steps look at the photo's canvas, a quarter at the newest View."""
        n_old = len(scene.views) - 1
        weights = [2.0 / n_old] * n_old + [1.0]
        views = WithZoomedCrops(scene.views)
        return fit(
            scene.gaussians,
            views,
            self.renderer,
            lambda view, rendering, step: photometric(view, rendering, self.dssim, self.generated_weight),
            self.rates,
            order=views.order(view_order(weights, self.steps, seed), self.close_ups),
            observe=observe,
            name=name,
        )


def _words(k: int, selection: Selection) -> str:
    d = selection.diagnosis
    if selection.pose is not None:
        return f"frame {k + 1} is pose {selection.pose} of {d.n_poses}: {selection.ratio:.1%} of the picture is hole"
    return (
        f"no pose to add: {d.n_free} of {d.n_poses} free, holes {d.smallest:.2%} to {d.largest:.2%}, "
        f"mean {d.mean:.2%}, {d.below} under, {d.inside} in, {d.above} over the band; {d.advice}"
    )


def _summary(rows: list[dict], last: Selection | None, total: int) -> Summary:
    added = sum(row["gaussians_added"] for row in rows)
    text = f"{len(rows)} {'view' if len(rows) == 1 else 'views'} added, with {added:,} Gaussians"
    stopped = last.diagnosis.as_dict() if last is not None and last.pose is None else None
    return Summary(text, {"frames": rows, "gaussians": total, "stopped": stopped})
