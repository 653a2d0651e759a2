"""Stage coarse: new views along the camera path are painted where the scene has holes, and added to it one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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
    View,
)
from vistadream.core.knobs import FROM_0, check_ranges
from vistadream.ops.camera_path.bird_view import bird_view
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.fit.loop import view_order
from vistadream.ops.gaussians.lift import Lifting
from vistadream.ops.holes.fill import clean_hole, fill_from_far_side
from vistadream.ops.holes.selection import Selection, SelectionRule, score_poses, select_pose
from vistadream.ops.holes.visibility import keep_behind_translucent, overlapping, push_behind
from vistadream.ops.image.pixels import dilate, snap
from vistadream.stages.candidates import Candidates, Poses
from vistadream.stages.painting import Painter

_OPAQUE = 0.9
"""A pixel with at least this alpha already has a surface and gets no second one."""


@dataclass(frozen=True)
class Coarse:
    """For each new view: choose the pose with the largest hole ratio inside the range of `rule`, paint its holes, lift
    their pixels to Gaussians, and fit all Gaussians together."""

    depth: DepthEstimator
    outpainter: Outpainter
    captioner: Captioner
    renderer: Renderer
    candidates: Candidates
    rule: SelectionRule
    fitting: Fitting
    lifting: Lifting
    n_frames: int
    """Maximum number of new views."""
    n_closing: int
    """Number of poses along the path at which the remaining small holes are closed at the end."""
    steps: int
    """Number of steps of the fit after each new view."""
    max_misfit: float
    """A predicted depth is not used when its median relative error, after alignment to the known depth, is larger."""
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, n_frames=FROM_0, n_closing=FROM_0, steps=FROM_0, max_misfit=FROM_0)

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        poses = self.candidates(scene, observe)
        looks = [*poses.path, *poses.around]
        before = self._holes_around(scene, poses)
        chosen: list[int] = []
        rows: list[dict] = []
        selection = None
        for k in range(self.n_frames):
            if k < len(poses.wide):
                camera, row = poses.wide[k], dict[str, Any](pose="wide")
            else:
                selection = self._select(scene, looks, chosen, observe, k)
                if selection.pose is None:
                    break
                camera = looks[selection.pose]
                row = {"pose": selection.pose, "hole_ratio": round(selection.ratio, 5)}
                chosen.append(selection.pose)
            n_before = len(scene.gaussians)
            scene = self._add(scene, camera, f"coarse_{k:02d}", self.seed + k, observe)
            rows.append(row | {"gaussians_added": len(scene.gaussians) - n_before})
        scene = self._close(scene, poses, observe)
        summary = _summary(rows, selection, len(scene.gaussians))
        observe("coarse/summary", self._with_envelope(summary, scene, poses, before, observe))
        return scene

    def _holes_around(self, scene: Scene, poses: Poses) -> list[float]:
        return score_poses(scene.gaussians, poses.around, self.renderer, [], self.rule) if poses.around else []

    def _with_envelope(
        self, summary: Summary, scene: Scene, poses: Poses, before: list[float], observe: Observer
    ) -> Summary:
        """The summary with the holes of the envelope before and after, by direction; a map of them is observed."""
        if not before:
            return summary
        after = self._holes_around(scene, poses)
        added = [view.camera for view in scene.views if view.origin == "novel"]
        observe("coarse/map", bird_view(scene.gaussians, poses.around, after, added, scene.anchor.camera))
        worst = max(range(len(after)), key=after.__getitem__)
        text = (
            f"{summary.text}; holes around the path {sum(before) / len(before):.1%} before, "
            f"{sum(after) / len(after):.1%} after, at most {after[worst]:.1%} ({poses.names[worst]})"
        )
        envelope = {name: [round(b, 5), round(a, 5)] for name, b, a in zip(poses.names, before, after, strict=True)}
        return Summary(text, summary.data | {"envelope": envelope})

    def _select(self, scene: Scene, path: list[Camera], chosen: list[int], observe: Observer, k: int) -> Selection:
        """Scores all poses by their rendered alpha at low resolution; a hole is where alpha is below one half."""
        ratios = score_poses(scene.gaussians, path, self.renderer, chosen, self.rule)
        selection = select_pose(ratios, chosen, self.rule)
        band = (self.rule.min_hole, self.rule.max_hole)
        poses = tuple(float(i) for i in range(len(ratios)))
        frame = "coarse" if selection.pose is None else f"coarse/{k:02d}"
        if selection.diagnosis.largest >= self.rule.min_hole:  # else the chart would be empty
            observe(f"{frame}/selection", Chart("hole ratio", poses, tuple(ratios), band, selection.pose))
        observe(f"{frame}/pose", Note(_selection_text(k, selection)))
        return selection

    def _add(self, scene: Scene, camera: Camera, name: str, seed: int, observe: Observer) -> Scene:
        """The scene with one more View, and with a Gaussian for each pixel of it that has no surface yet."""
        with torch.no_grad():
            seen = self.renderer(scene.gaussians, [camera])[0]
        rgb, z, alpha = (seen.require(name) for name in ("rgb", "z", "alpha"))
        hole = clean_hole(alpha)
        path = name.replace("_", "/")
        observe(f"{path}/hole", hole)
        observe(f"{path}/before", rgb)
        bare = hole & (alpha < _OPAQUE)
        prompt = self.captioner(scene.anchor.rgb)
        painter = Painter(self.depth, self.outpainter, prompt, self.max_misfit)
        rgb, z, confidence = painter(camera, rgb, z, hole, seed, lambda key, value: observe(f"{path}/{key}", value))
        z = keep_behind_translucent(z, seen, hole)
        z, hiding = push_behind(camera, z, hole, scene.views)
        supervise, lift, generated = dilate(hole, 2), bare & ~hiding, torch.ones_like(hole)
        if camera.fx < scene.anchor.camera.fx:  # its pixels are larger than those of the photo
            z, lift = overlapping(z, lift)
        view = View(name, camera, snap(rgb), z, supervise, lift, generated, confidence=confidence, origin="novel")
        observe(f"{path}/view", view)
        new = self.lifting(view)
        scene = replace(scene, views=(*scene.views, view), gaussians=Gaussians.concat(scene.gaussians, new))
        return replace(scene, gaussians=self._fit(scene, path, seed, observe))

    def _close(self, scene: Scene, looks: Poses, observe: Observer) -> Scene:
        """The scene with the small holes that are left, along the path and far around it, filled from their far side.

        Poses are drawn one by one, since each shows what was filled at those before it.
        """
        before = len(scene.gaussians)
        path = looks.path
        poses = [path[round(i * (len(path) - 1) / max(1, self.n_closing - 1))] for i in range(self.n_closing)]
        poses += looks.far
        for i, camera in enumerate(poses):
            with torch.no_grad():
                seen = self.renderer(scene.gaussians, [camera])[0]
            rgb, z, alpha = (seen.require(name) for name in ("rgb", "z", "alpha"))
            hole = clean_hole(alpha)
            if bool(hole.any()) and not bool(hole.all()):
                rgb, z = fill_from_far_side(rgb, z, hole)
                z, hiding = push_behind(camera, z, hole, scene.views)
                bare = hole & (alpha < _OPAQUE) & ~hiding
                filled = View("closed", camera, rgb, z, hole, bare, torch.ones_like(hole), origin="novel")
                closed = self.lifting(filled)
                scene = replace(scene, gaussians=Gaussians.concat(scene.gaussians, closed))
            observe("coarse/closing/progress", Progress(i + 1, len(poses)))
        observe("coarse/closed", Note(f"{len(scene.gaussians) - before:,} Gaussians close the remaining holes"))
        return scene

    def _fit(self, scene: Scene, name: str, seed: int, observe: Observer) -> Gaussians:
        """All Gaussians together: a third of the steps shows the newest View, all others share the rest equally."""
        n_old = len(scene.views) - 1
        turns = view_order([2.0 / n_old] * n_old + [1.0], self.steps, seed)
        return self.fitting(scene.gaussians, scene.views, self.renderer, turns, observe=observe, name=name)


def _selection_text(k: int, selection: Selection) -> str:
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
