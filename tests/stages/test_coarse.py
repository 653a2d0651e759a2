"""New views fill what the path reveals, keep what is known, and say what they did."""

from typing import Any

import pytest
import torch

from vistadream.backends.caption.fixed import FixedCaption
from vistadream.config import configured
from vistadream.core import (
    Camera,
    Chart,
    DepthEstimator,
    DepthPrediction,
    Note,
    Outpainter,
    Scene,
    Summary,
    Trajectory,
    View,
)
from vistadream.ops.camera_path.envelope import Envelope
from vistadream.ops.camera_path.pose import rigid
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.fitting import Fitting
from vistadream.ops.gaussians.lift import Lifting, lift_view
from vistadream.ops.holes.selection import SelectionRule
from vistadream.stages.candidates import Candidates
from vistadream.stages.coarse import Coarse
from vistadream.trajectories.paths import Swing

RENDERER = configured("backends/render=cpu")

H, W = 48, 64
FITTING = Fitting(
    LearningRates(0.02, 0.005, 0.01, 0.02, 0.002), zoomed_share=0.5, dssim=0.2, generated_weight=0.5, spread_weight=0.0
)
SWING = Swing(0.3)
RULE = SelectionRule(min_hole=0.005, max_hole=0.6, fallback="none")


def blind(views):
    z = torch.ones(views[0].camera.height, views[0].camera.width)
    return [DepthPrediction(z, torch.zeros_like(z, dtype=torch.bool), views[0].camera, False)]


def mean_known(rgb, hole, prompt, seed):
    return torch.where(hole[..., None], rgb[~hole].mean(0), rgb)


def post_before_wall() -> Scene:
    """A post at 1 m before a wall at 3 m, lifted as initialize would."""
    mask = torch.ones(H, W, dtype=torch.bool)
    z, rgb = torch.full((H, W), 3.0), torch.rand(H, W, 3, generator=torch.Generator().manual_seed(0))
    z[:, 26:38], rgb[:, 26:38] = 1.0, torch.tensor([0.9, 0.2, 0.1])
    view = View("input", Camera.from_fov(60, W, H), rgb, z, mask, mask, ~mask)
    return Scene((view,), lift_view(view, 0.5, 0.5))


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        self.heard.append((name, value))

    def of(self, kind: type) -> list[Any]:
        return [value for _, value in self.heard if isinstance(value, kind)]


def coarse(
    ear: Ear,
    rule: SelectionRule = RULE,
    n_frames: int = 2,
    trajectory: Trajectory = SWING,
    envelope: Envelope | None = None,
    depth: DepthEstimator = blind,
    outpainter: Outpainter = mean_known,
) -> Scene:
    stage = Coarse(
        depth, outpainter, FixedCaption("a post"), RENDERER, Candidates(trajectory, 17, envelope, 1.0, margin_px=2),
        rule, FITTING, Lifting(0.5, 0.5, 0.0), n_frames=n_frames, n_closing=5, steps=2, max_misfit=0.08, seed=0,
    )  # fmt: skip
    return stage(post_before_wall(), ear)


def holes(scene: Scene) -> float:
    path = Swing(0.3)(scene, 17)
    with torch.no_grad():
        return max(float((r.alpha < 0.5).float().mean()) for r in RENDERER(scene.gaussians, path, want=("alpha",)))


def test_holes_along_the_path_are_filled() -> None:
    assert holes(post_before_wall()) > 0.05
    assert holes(coarse(Ear())) < 0.01


def test_every_new_view_is_painted_to_the_captioner_s_words() -> None:
    told = []

    def painter(rgb, hole, prompt, seed):
        told.append(prompt)
        return mean_known(rgb, hole, prompt, seed)

    coarse(Ear(), outpainter=painter)
    assert set(told) == {"a post"}


def test_new_views_are_invented_and_the_photo_stays() -> None:
    ear = Ear()
    before, scene = post_before_wall(), coarse(ear)
    assert torch.equal(scene.view("input").rgb, before.view("input").rgb)
    added = [view for view in scene.views if view.name != "input"]
    assert [view.name for view in added] == [f"coarse_{k:02d}" for k in range(len(added))]
    assert added
    for view in added:
        assert view.generated.all()
        assert bool((view.supervise | ~view.lift).all()), "what is lifted is supervised"
    assert len(ear.of(Chart)) == 2


def test_what_was_behind_the_post_is_painted_behind_it() -> None:
    first = coarse(Ear(), n_frames=1).view("coarse_00")
    assert float(first.z[first.lift].min()) > 1.5


def test_a_view_is_as_sure_of_what_was_painted_as_the_model_and_sure_of_the_rest() -> None:
    def wall(views):
        z = torch.full((views[0].camera.height, views[0].camera.width), 3.0)
        return [DepthPrediction(z, z > 0, views[0].camera, False, confidence=torch.full_like(z, 0.4))]

    first = coarse(Ear(), n_frames=1, depth=wall).view("coarse_00")
    painted = first.confidence < 1
    assert bool((first.confidence[painted] == torch.tensor(0.4)).all())
    assert 0.5 * int(first.lift.sum()) < int((painted & first.supervise).sum())
    assert not bool((painted & ~first.supervise).any()), "known pixels stay as sure as they were"
    assert coarse(Ear(), n_frames=1).view("coarse_00").confidence is None


def test_the_summary_adds_up() -> None:
    ear = Ear()
    scene = coarse(ear)
    (summary,) = ear.of(Summary)
    assert summary.data["gaussians"] == len(scene.gaussians)
    lifted = {view.name: int(view.lift.sum()) for view in scene.views if view.name != "input"}
    assert [row["gaussians_added"] for row in summary.data["frames"]] == list(lifted.values())


def test_when_nothing_fits_it_says_why_and_stops() -> None:
    ear = Ear()
    scene = coarse(ear, SelectionRule(min_hole=0.9, max_hole=0.95, fallback="none"))
    assert [view.name for view in scene.views] == ["input"]
    assert any("min_hole" in note.text for note in ear.of(Note))
    assert ear.of(Summary)[0].data["stopped"]["inside"] == 0
    assert not ear.of(Chart), "no pose reaches the band: nothing to show"


@pytest.mark.parametrize("n_frames", [0])
def test_no_frames_asked_for_still_closes_what_it_can(n_frames: int) -> None:
    scene = coarse(Ear(), n_frames=n_frames)
    assert [view.name for view in scene.views] == ["input"]
    assert holes(scene) < holes(post_before_wall())


def test_no_surface_is_laid_over_one_that_is_there() -> None:
    """What is lifted of a new view was not opaque before."""
    before, first = post_before_wall(), coarse(Ear(), n_frames=1).view("coarse_00")
    with torch.no_grad():
        alpha = RENDERER(before.gaussians, [first.camera], want=("alpha",))[0].alpha
    assert float(alpha[first.lift].max()) < 0.9
    assert int(first.lift.sum()) > 0.9 * int((alpha < 0.5).sum())


def test_the_envelope_is_painted_beyond_the_path() -> None:
    """Behind the camera, where no path came, the scene goes on."""
    behind = Camera.from_fov(60, W, H).at(rigid(torch.eye(3), torch.tensor([0.0, 0.0, -0.45])))
    share = []
    for envelope in (None, Envelope(0.3, 20, 10, n_wide=1, wide_scale=0.5)):
        scene = coarse(Ear(), trajectory=Swing(0.01), envelope=envelope)
        with torch.no_grad():
            share.append(float((RENDERER(scene.gaussians, [behind], want=("alpha",))[0].alpha < 0.5).float().mean()))
    assert share[0] > 0.1
    assert share[1] < 0.01


def test_wide_views_come_first_and_count_as_views() -> None:
    ear = Ear()
    scene = coarse(ear, n_frames=3, envelope=Envelope(0.3, 20, 10, n_wide=2, wide_scale=0.5))
    widths = [view.camera.width for view in scene.views[1:]]
    assert len(widths) <= 3
    assert widths[0] < widths[1]
    (summary,) = ear.of(Summary)
    assert [row["pose"] for row in summary.data["frames"]][:2] == ["wide", "wide"]
    before, after = zip(*summary.data["envelope"].values(), strict=True)
    assert sum(after) < 0.1 * sum(before)
    assert [name for name, _ in ear.heard].count("coarse/map") == 1


def test_the_same_scene_and_seed_give_the_same_bits() -> None:
    envelope = Envelope(0.3, 20, 10, n_wide=1, wide_scale=0.5)
    first, second = (coarse(Ear(), envelope=envelope).gaussians for _ in range(2))
    assert torch.equal(first.means, second.means)
