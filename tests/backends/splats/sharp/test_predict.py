"""Gaussians of random weights: their laws of scale, place, color and shape, and a whole run."""

import re
from functools import cache

import pytest
import torch
from tests.backends.splats.sharp.tiny import TINY, photo, sharp

from vistadream.backends.splats.sharp.load import read_network
from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.splats.sharp.predict import in_world
from vistadream.backends.weights.policy import Policy
from vistadream.backends.weights.residence import resident
from vistadream.commands.main import main
from vistadream.config import configured
from vistadream.core import Camera, GaussianInitializer, Note, use_observer
from vistadream.formats.ply import read_ply

WIDTH, HEIGHT = 96, 64
CAMERA = Camera.from_focal(80.0, WIDTH, HEIGHT)
RENDERER = configured("backends/render=cpu")


@pytest.fixture(scope="module")
def splats(weights):
    """What is predicted of a photo."""
    model = sharp(weights)
    assert isinstance(model, GaussianInitializer)
    return model(photo(CAMERA), CAMERA.fx)


def rendered(splats, camera):
    with torch.no_grad():
        return RENDERER(splats.gaussians, [camera], want=("rgb", "z_median", "alpha"))[0]


def test_the_rendered_depth_is_that_of_the_network_on_flat_parts(splats):
    z, wanted = rendered(splats, CAMERA).z_median, splats.depth.z
    slope = torch.stack([g.abs() for g in torch.gradient(wanted.log())]).amax(0)
    flat = (slope < 0.02)[2:-2, 2:-2]
    assert float(flat.float().mean()) > 0.2
    off = (z / wanted - 1).abs()[2:-2, 2:-2][flat]
    assert float(off.quantile(0.95)) < 0.02
    assert splats.depth.is_metric
    assert bool(splats.depth.valid.all())
    assert splats.depth.confidence is None


def test_twice_the_focal_length_is_twice_the_distance(weights, splats):
    near, far = splats.gaussians, sharp(weights)(photo(CAMERA.with_focal(160.0)), 160.0).gaussians
    wanted = near.means * torch.tensor([1.0, 1.0, 2.0])
    torch.testing.assert_close(far.means, wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(far.colors, near.colors, rtol=0, atol=1e-4)


def test_an_unknown_focal_length_is_that_of_the_depth_model(weights, splats):
    guessed = sharp(weights)(photo(CAMERA.with_focal(55.0), focal_known=False), 80.0)
    assert guessed.depth.camera.fx == 80.0
    assert torch.equal(guessed.gaussians.means, splats.gaussians.means)


def test_gaussians_lie_where_their_pixels_are_and_none_is_too_faint_to_see(splats):
    pixel, z = CAMERA.project(splats.gaussians.means)
    assert bool((z > 0).all())
    assert bool(((pixel >= 0) & (pixel <= torch.tensor([WIDTH, HEIGHT]))).all())
    assert float(splats.gaussians.opacities.min()) >= 1 / 255
    assert 0.9 < len(splats.gaussians) / (2 * (TINY.picture_px // 2) ** 2) <= 1
    norms = splats.gaussians.quats_wxyz.norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    assert bool((splats.gaussians.scales > 0).all())


def test_a_principal_point_off_the_center_is_padded_and_the_padding_left_out(weights):
    camera = Camera.from_focal(80.0, WIDTH, HEIGHT, (60.0, 25.0))
    splats = sharp(weights)(photo(camera), 80.0)
    pixel, _ = camera.project(splats.gaussians.means)
    assert bool(((pixel >= 0) & (pixel <= torch.tensor([WIDTH, HEIGHT]))).all())
    assert float(rendered(splats, camera).alpha[3:-3, 3:-3].min()) > 0.5
    off = (rendered(splats, camera).z_median / splats.depth.z - 1).abs()[3:-3, 3:-3]
    assert float(off.median()) < 0.02


def test_the_gaussians_go_with_the_pose_of_the_view(weights, splats):
    turn = torch.eye(4)
    turn[:3, :3] = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    turn[:3, 3] = torch.tensor([0.3, -0.2, 0.5])
    posed = CAMERA.at(turn)
    there = sharp(weights)(photo(posed), 80.0)
    torch.testing.assert_close(rendered(there, posed).rgb, rendered(splats, CAMERA).rgb, rtol=0, atol=0.02)
    moved = splats.gaussians.means @ posed.world_from_cam[:3, :3].T + posed.center
    torch.testing.assert_close(there.gaussians.means, moved, rtol=1e-4, atol=1e-5)


def test_the_picture_is_shown_in_its_own_colors(splats):
    """Random weights change a color by little, so that linear and sRGB colors cannot be mistaken."""
    seen, gaussians = photo(CAMERA), splats.gaussians
    pixel, _ = CAMERA.project(gaussians.means)
    column, row = pixel.long().clamp_max(torch.tensor([WIDTH - 1, HEIGHT - 1])).unbind(-1)
    assert float((gaussians.colors - seen.rgb[row, column]).abs().mean()) < 0.05


@pytest.fixture(scope="module")
def answers(weights):
    """What the network says of a picture, by plan."""
    network, rgb = read_network(weights), photo(CAMERA).rgb.permute(2, 0, 1)[None]
    picture = torch.nn.functional.interpolate(rgb, 2 * (TINY.picture_px,), mode="bilinear", align_corners=True)[0]
    return cache(lambda plan: network.predict(picture, CAMERA.fx / CAMERA.width, plan).gaussians)


@pytest.mark.parametrize("policy", [Policy.BALANCED, Policy.LOW])
def test_less_memory_shows_the_same_picture(answers, policy):
    plans = (Plan.of(Policy.HIGH, "cuda"), Plan.of(policy, "cuda"))
    drawn = [RENDERER(in_world(answers(plan), CAMERA), [CAMERA], want=("rgb", "z"))[0] for plan in plans]
    off = (drawn[0].rgb - drawn[1].rgb).abs()
    assert 0 < float(off.square().mean().sqrt()) < 1e-3
    assert float(off.quantile(0.999)) < 1e-2, "the order of Gaussians at one depth may change"
    assert float((drawn[0].z / drawn[1].z - 1).abs().max()) < 1e-2


def test_one_patch_at_a_time_and_parts_in_turn_change_nothing(answers):
    one, other = answers(Plan()), answers(Plan(at_once=1, in_turn=True))
    for name, tensor in one.tensors():
        torch.testing.assert_close(getattr(other, name), tensor, rtol=1e-4, atol=1e-5)


def test_a_cpu_says_what_it_takes_before_it_starts(weights):
    heard = []
    resident.release()
    with use_observer(lambda name, value, step=None: heard.append(value)):
        sharp(weights)(photo(CAMERA), 80.0)
    model, cost = [note.text for note in heard if isinstance(note, Note)]
    assert re.match(r"Gaussians by SHARP on the cpu, from .*; for research only", model)
    assert re.match(r"SHARP on the CPU: about \d+ s, and \d+ GiB of main memory", cost)


def test_a_run_of_the_command_ends_with_the_gaussians_in_a_ply(weights, tmp_path):
    words = f"backends/splats=sharp backends.splats.path={weights} accept_noncommercial=true stages.initialize.steps=0"
    small = "recipe=quick max_resolution=64 rerun.mode=off stage=no-outpaint export=[gaussians]"
    assert main(["single-img", *words.split(), *small.split(), f"out={tmp_path / 'out'}"]) == 0
    (file,) = (tmp_path / "out").rglob("03_initialize/gaussians.ply")
    gaussians = read_ply(file)
    assert len(gaussians) > TINY.picture_px**2 / 4
    assert bool(torch.isfinite(gaussians.means).all())


def test_the_command_refuses_it_without_acceptance(weights, tmp_path, capsys):
    words = f"backends/splats=sharp backends.splats.path={weights} recipe=quick max_resolution=64 rerun.mode=off"
    code = main(["single-img", *words.split(), "stage=no-outpaint", "export=[gaussians]", f"out={tmp_path / 'out'}"])
    assert code == 2
    said = "".join(capsys.readouterr())
    assert "apple-amlr" in said
    assert "Traceback" not in said
