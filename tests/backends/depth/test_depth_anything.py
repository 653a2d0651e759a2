"""Depth Anything 3 behind our protocol, by the real package, on tiny checkpoints written as the published ones are.

A checkpoint of known geometry: all that comes from the picture is silenced, and the position (u, v) that the package
adds to the features before its last layers remains: z = SCALE exp(SLOPE u), and a confidence that falls upwards.
"""

import dataclasses
import math
import runpy
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vistadream.backends.depth.depth_anything import DepthAnything
from vistadream.backends.depth_anything.estimate import METRIC_FOCAL_PX, SKY
from vistadream.backends.depth_anything.files import configuration
from vistadream.backends.depth_anything.network import normalized
from vistadream.backends.weights.residence import resident
from vistadream.config import compose
from vistadream.core import Camera, UserError, View, use_observer

pytest.importorskip("depth_anything_3.model.da3", reason="no package depth_anything_3: requirements/depth_anything.txt")
from depth_anything_3 import cfg, registry

network = runpy.run_path(str(Path(__file__).parents[2] / "tiny_depth_anything.py"))["TinyDepthAnything"].network

WIDTH, HEIGHT = 70, 56  # multiples of the patch: the network sees the picture as it is
CENTRED = Camera.from_focal(80, WIDTH, HEIGHT)
SLOPE, SCALE = 0.4, 3.0
SHORE, STEEP = -0.3, 20.0  # the logit of confidence is STEEP (v - SHORE)
FOV_DEG = (50.0, 2 * math.degrees(math.atan(math.tan(math.radians(25)) * WIDTH / HEIGHT)))  # down, across


@pytest.fixture(autouse=True)
def tiny(tiny_depth_anything):
    """The small networks in the place of the published ones."""
    return tiny_depth_anything


def known_geometry():
    """The checkpoint of the module's docstring."""
    weights = {name: torch.zeros_like(tensor) for name, tensor in network().state_dict().items()}
    first, last = "head.scratch.output_conv2.0.weight", "head.scratch.output_conv2.2"
    # of the eight channels of position, the second is sin(0.1 u) / 10 and the sixth sin(0.1 v) / 10
    for k, (channel, gain) in enumerate(((1, 100 * SLOPE), (5, 100 * STEEP))):
        for sign in (1.0, -1.0):  # both halves of what the rectifier in between lets pass
            hidden = 2 * k + (sign < 0)
            weights[first][hidden, channel, 1, 1] = sign
            weights[f"{last}.weight"][k, hidden] = sign * gain
    weights[f"{last}.bias"] += torch.tensor([math.log(SCALE), -STEEP * SHORE])
    weights["cam_dec.fc_qvec.bias"][3] = 1.0
    weights["cam_dec.fc_fov.0.bias"] += torch.deg2rad(torch.tensor(FOV_DEG))
    return weights


@pytest.fixture
def folder(tmp_path, tiny):
    """Writes a checkpoint where the backend looks for it."""
    return lambda weights, model="da3-small": tiny.write(weights, tmp_path, model)


def estimator(folder, **knobs):
    given = {"model": "auto", "device": "cpu", "memory": "auto", "accept_noncommercial": False, "resolution_px": WIDTH}
    return DepthAnything(**given | {"min_confidence": 0.05, "path": folder} | knobs)


def view(camera=CENTRED, focal_known=False, seed=0):
    height, width = camera.height, camera.width
    rgb = torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))
    everywhere = torch.ones(height, width, dtype=torch.bool)
    return View(f"photo_{seed}", camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known)


def positions(width, height, seen=None):
    """(u, v) of pixel centres about the middle, in halves of the diagonal of the picture as the network sees it."""
    w, h = seen or (width, height)
    u, v = torch.meshgrid(torch.arange(width) + 0.5, torch.arange(height) + 0.5, indexing="xy")
    return (2 * u / width - 1) * w / math.hypot(w, h), (2 * v / height - 1) * h / math.hypot(w, h)


def test_depth_confidence_and_focal_length_are_those_of_a_known_geometry(folder):
    (found,) = estimator(folder(known_geometry()))([view()])
    u, v = positions(WIDTH, HEIGHT)
    torch.testing.assert_close(found.confidence, torch.sigmoid(STEEP * (v - SHORE)), atol=0.01, rtol=0)
    assert bool((found.valid == (found.confidence >= 0.05)).all())
    torch.testing.assert_close(found.z[found.valid], SCALE * torch.exp(SLOPE * u)[found.valid], rtol=3e-3, atol=0)
    assert found.camera.fx == pytest.approx(HEIGHT / 2 / math.tan(math.radians(FOV_DEG[0] / 2)), rel=1e-4)
    assert (found.camera.cx, found.camera.cy) == (WIDTH / 2, HEIGHT / 2)
    assert torch.equal(found.camera.cam_from_world, CENTRED.cam_from_world)
    assert not found.is_metric
    assert found.sky is None


def test_what_is_not_trusted_has_no_depth_and_less_is_trusted_by_a_higher_threshold(folder):
    files = folder(known_geometry())
    shares = []
    for least in (0.0, 0.05, 0.5, 0.9):
        (found,) = estimator(files, min_confidence=least)([view()])
        assert bool(torch.isfinite(found.z).all())
        assert bool((found.z[found.valid] > 0).all())
        assert bool((found.confidence[found.valid] >= least - 1e-6).all())
        shares.append(float(found.valid.float().mean()))
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == 4


@pytest.mark.parametrize(("map_", "value"), [("depth", 1000.0), ("depth", -1000.0), ("conf", math.nan)])
def test_numbers_that_are_no_depth_or_no_trust_are_not_valid(folder, map_, value):
    weights = known_geometry()
    weights["head.scratch.output_conv2.2.bias"][int(map_ == "conf")] += value
    (found,) = estimator(folder(weights))([view()])
    assert not found.valid.any()
    assert bool(torch.isfinite(found.z).all())
    assert bool(torch.isfinite(found.confidence).all())


@pytest.mark.parametrize(
    ("size", "seen"), [((140, 112), (70, 56)), ((139, 111), (70, 56)), ((35, 28), (70, 56)), ((75, 52), (70, 42))]
)
def test_any_size_of_picture_gets_maps_of_its_own_size(folder, size, seen):
    camera = Camera.from_focal(80, *size)
    (found,) = estimator(folder(known_geometry()), min_confidence=0.0)([view(camera)])
    u, v = positions(*size, seen)
    torch.testing.assert_close(found.z, SCALE * torch.exp(SLOPE * u), rtol=0.02, atol=0)
    inner = slice(2, -2)
    torch.testing.assert_close(found.confidence[inner], torch.sigmoid(STEEP * (v - SHORE))[inner], atol=0.12, rtol=0)
    down, across = (side / 2 / math.tan(math.radians(deg / 2)) for side, deg in zip(size[::-1], FOV_DEG, strict=True))
    assert found.camera.fx == found.camera.fy == pytest.approx((down + across) / 2, rel=1e-3)


@pytest.mark.parametrize("principal_px", [(44.0, 28.0), (35.0, 17.0), (20.0, 33.0)])
@pytest.mark.parametrize("focal_known", [False, True])
def test_an_off_centre_principal_point_is_padded_to_the_centre(folder, principal_px, focal_known):
    camera = Camera.from_focal(70, WIDTH, HEIGHT, principal_px)
    wide, high = (int(side + 2 * abs(p - side / 2)) for side, p in zip((WIDTH, HEIGHT), principal_px, strict=True))
    (found,) = estimator(folder(known_geometry()), resolution_px=max(wide, high), min_confidence=0.0)(
        [view(camera, focal_known)]
    )
    left, top = round(wide / 2 - principal_px[0]), round(high / 2 - principal_px[1])
    u = positions(wide, high)[0][top : top + HEIGHT, left : left + WIDTH]
    torch.testing.assert_close(found.z, SCALE * torch.exp(SLOPE * u), rtol=0.02, atol=0)
    assert (found.camera.cx, found.camera.cy) == principal_px
    assert (found.camera is camera or found.camera.fx == 70) == focal_known


def test_several_views_are_seen_together_and_stand_where_the_network_puts_them_beside_the_first(folder):
    net = network(seed=3)
    with torch.no_grad():
        net.cam_dec.fc_t.weight *= 30  # the tokens of a random network hardly differ
        net.cam_dec.fc_qvec.weight *= 30
    turn = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    start = torch.eye(4)
    start[:3, :3], start[:3, 3] = turn, torch.tensor([0.3, -0.2, 1.5])
    views = [view(CENTRED.at(start), True, 0), view(focal_known=True, seed=1), view(focal_known=True, seed=2)]
    found = estimator(folder(net.state_dict()), min_confidence=0.0)(views)
    with torch.no_grad():
        said = net(normalized(torch.stack([v.rgb.permute(2, 0, 1) for v in views]), (WIDTH, HEIGHT))[None])
    torch.testing.assert_close(torch.stack([f.z for f in found]), said["depth"][0], rtol=1e-4, atol=0)
    assert torch.equal(found[0].camera.cam_from_world, start)
    theirs = torch.eye(4).repeat(3, 1, 1)
    theirs[:, :3] = said["extrinsics"][0]
    for k in (1, 2):
        ours = found[k].camera.cam_from_world @ torch.linalg.inv(start)
        torch.testing.assert_close(ours, theirs[k] @ torch.linalg.inv(theirs[0]), rtol=1e-3, atol=1e-3)
        assert float((ours - torch.eye(4)).abs().max()) > 0.05, "or the test would prove nothing"
        rotation = found[k].camera.cam_from_world[:3, :3]
        torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), atol=1e-4, rtol=0)
    (alone,) = estimator(folder(net.state_dict()), min_confidence=0.0)(views[1:2])
    assert not torch.equal(alone.z, found[1].z), "the others were looked at"
    assert torch.equal(alone.camera.cam_from_world, views[1].camera.cam_from_world)


def test_views_of_different_sizes_are_seen_together_each_with_its_own_maps(folder):
    cameras = [Camera.from_focal(60, *size) for size in ((WIDTH, HEIGHT), (50, 56), (44, 30))]
    found = estimator(folder(known_geometry()), min_confidence=0.0)([view(c, seed=i) for i, c in enumerate(cameras)])
    for camera, prediction in zip(cameras, found, strict=True):
        assert prediction.z.shape == (camera.height, camera.width)
        left, top = (WIDTH - camera.width) // 2, (HEIGHT - camera.height) // 2
        u = positions(WIDTH, HEIGHT)[0][top : top + camera.height, left : left + camera.width]
        torch.testing.assert_close(prediction.z, SCALE * torch.exp(SLOPE * u), rtol=3e-3, atol=0)
    assert estimator(folder(known_geometry()))([]) == []


def one_view(folder, model="da3metric-large"):
    """A one-view model with random weights whose sky covers a part of the picture, and what it says itself."""
    net, picture = network(model, 1), normalized(view().rgb.permute(2, 0, 1)[None], (WIDTH, HEIGHT))[None]
    bias = net.head.scratch.sky_output_conv2[2].bias
    with torch.no_grad():
        bias += 100.0
        bias -= net(picture)["sky"].quantile(0.7) - SKY
        said = net(picture)
    return folder(net.state_dict(), model), said["depth"][0, 0], said["sky"][0, 0]


def test_the_metric_model_knows_metres_by_the_focal_length_and_the_sky(folder):
    files, depth, sky = one_view(folder)
    state = torch.get_rng_state()
    for focal_px in (80.0, 160.0):
        (found,) = estimator(files, model="da3metric-large")([view(CENTRED.with_focal(focal_px), focal_known=True)])
        assert found.is_metric
        assert found.confidence is None
        assert 0.1 < float(found.sky.float().mean()) < 0.9
        torch.testing.assert_close(found.sky, sky >= SKY)
        torch.testing.assert_close(found.valid, sky < SKY)
        torch.testing.assert_close(found.z[found.valid], (depth * focal_px / METRIC_FOCAL_PX)[found.valid])
    (guessed,) = estimator(files, model="da3metric-large")([view()])
    assert not guessed.is_metric, "metres hang on the focal length"
    assert guessed.camera.fx == CENTRED.fx
    assert torch.equal(torch.get_rng_state(), state), "it draws from nobody's random numbers"


def test_the_model_for_single_views_knows_the_sky_and_its_depth_has_no_unit(folder):
    files, depth, sky = one_view(folder, "da3mono-large")
    for focal_px in (80.0, 160.0):
        (found,) = estimator(files, model="da3mono-large")([view(CENTRED.with_focal(focal_px), focal_known=True)])
        assert not found.is_metric
        assert found.confidence is None
        assert found.camera.fx == focal_px
        torch.testing.assert_close(found.sky, sky >= SKY)
        torch.testing.assert_close(found.valid, sky < SKY)
        torch.testing.assert_close(found.z[found.valid], depth[found.valid])


@pytest.mark.parametrize("model", ["da3mono-large", "da3metric-large"])
def test_models_for_single_views_leave_poses_as_they_are_and_see_views_one_by_one(folder, model):
    files, _, _ = one_view(folder, model)
    there = torch.eye(4)
    there[0, 3] = 2.0
    both = [view(focal_known=True), view(CENTRED.at(there), True, 1)]
    found = estimator(files, model=model)(both)
    (alone,) = estimator(files, model=model)(both[1:])
    assert torch.equal(found[1].camera.cam_from_world, there)
    torch.testing.assert_close(found[1].z, alone.z)


def test_the_giant_model_is_read_without_what_predicts_gaussians_and_without_its_gpl_package(folder, monkeypatch):
    assert {"gs_head", "gs_adapter"} <= cfg.load_config(registry.MODEL_REGISTRY["da3-giant"]).keys()
    monkeypatch.setitem(sys.modules, "evo", None)
    net, seen, notes = network("da3-giant", 7), view(focal_known=True), []
    files = folder(net.state_dict(), "da3-giant")
    published = load_file(files / "model.safetensors")
    save_file(published | {"model.gs_head.scratch.weight": torch.zeros(3)}, files / "model.safetensors")
    with use_observer(lambda name, value, step=None: notes.append(value)):
        (found,) = estimator(files, model="da3-giant-1.1", accept_noncommercial=True, min_confidence=0.0)([seen])
    with torch.no_grad():
        said = net(normalized(seen.rgb.permute(2, 0, 1)[None], (WIDTH, HEIGHT))[None])
    torch.testing.assert_close(found.z, said["depth"][0, 0], rtol=1e-4, atol=0)
    assert [note.level for note in notes] == ["info"], "tensors of its own parts are no cause for a warning"


@pytest.mark.parametrize(
    ("model", "tensors", "millions"),
    [("da3-giant-1.1", 911, 1320), ("da3mono-large", 406, 334), ("da3metric-large", 406, 334)],
)
def test_a_model_has_the_tensors_of_its_published_file(monkeypatch, model, tensors, millions):
    """Of the package's own configuration, without memory for its numbers."""
    accelerate = pytest.importorskip("accelerate", reason="the extra `models` is not installed")
    monkeypatch.undo()  # the published networks, not the tiny ones
    with accelerate.init_empty_weights():
        weights = cfg.create_object(configuration(model)).state_dict()
    assert len(weights) == tensors
    assert round(sum(tensor.numel() for tensor in weights.values()) / 1e6) == millions


def test_random_weights_give_the_same_bits_loaded_anew(folder):
    files = folder(network(seed=5).state_dict())
    estimate, seen = estimator(files, min_confidence=0.0), view(focal_known=True)
    (first,) = estimate([seen])
    resident.release()
    (again,) = estimate([seen])
    assert torch.equal(first.z, again.z)
    assert not first.z.is_inference()
    assert first.camera.fx == CENTRED.fx
    (other,) = estimate([view(focal_known=True, seed=9)])
    assert not torch.equal(other.z, first.z)


def test_nothing_is_printed(folder, capfd):
    estimator(folder(known_geometry()))([view(seed=i) for i in range(3)])
    assert capfd.readouterr() == ("", "")


def test_weights_that_are_not_all_there_are_refused_and_those_of_no_use_told_of(folder):
    weights = known_geometry()
    notes = []
    with use_observer(lambda name, value, step=None: notes.append(value.text)):
        estimator(folder(weights | {"old_head.weight": torch.zeros(3)}))([view()])
    assert any("old_head.weight" in note for note in notes)
    resident.release()
    del weights["cam_dec.fc_t.bias"]
    with pytest.raises(UserError, match=r"lacks 1 of the model's \d+ tensors.*cam_dec\.fc_t\.bias.*wanted the file"):
        estimator(folder(weights))([view()])


def test_a_torn_file_is_refused(folder):
    files = folder(known_geometry())
    whole = (files / "model.safetensors").read_bytes()
    (files / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        estimator(files)([view()])


@pytest.mark.parametrize("model", ["da3-large-1.1", "da3-giant-1.1"])
def test_the_non_commercial_models_ask_to_be_accepted(tmp_path, model):
    with pytest.raises(UserError, match=r"may not be used commercially.*accept_noncommercial=true.*da3-base"):
        estimator(tmp_path, model=model)([view()])
    with pytest.raises(UserError, match=r"lacks config\.json"):
        estimator(tmp_path, model=model, accept_noncommercial=True)([view()])


@pytest.mark.parametrize("package", ["depth_anything_3", "addict", "einops"])
def test_a_package_that_is_not_here_is_named_with_its_command(monkeypatch, tmp_path, package):
    for name in [name for name in sys.modules if name.split(".")[0] in ("depth_anything_3", package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"package {package} is not installed.*pip install --no-deps depth-anything-3"):
        estimator(tmp_path)([view()])


@pytest.mark.parametrize("fov_rad", [0.0, 3.5])
def test_no_focal_length_is_an_error_that_names_the_knob_unless_it_is_known(folder, fov_rad):
    weights = known_geometry()
    weights["cam_dec.fc_fov.0.bias"][:] = fov_rad
    files = folder(weights)
    assert estimator(files)([view(focal_known=True)])[0].camera.fx == CENTRED.fx
    with pytest.raises(UserError, match=r"no focal length.*camera\.focal_px"):
        estimator(files)([view()])


def test_pixels_that_are_not_square_are_refused(folder):
    stretched = dataclasses.replace(CENTRED, K=CENTRED.K * torch.tensor([[1.2], [1.0], [1.0]]))
    with pytest.raises(ValueError, match="wanted square pixels"):
        estimator(folder(known_geometry()))([view(stretched)])


@pytest.mark.parametrize(
    "knobs",
    [{"model": "da2"}, {"device": "tpu"}, {"memory": "full"}, {"resolution_px": 13}, {"min_confidence": 1.0}],
)
def test_a_knob_out_of_range_is_refused(tmp_path, knobs):
    (knob,) = knobs
    with pytest.raises(ValueError, match=rf"DepthAnything\.{knob}: got .*wanted"):
        estimator(tmp_path, **knobs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="half precision is for NVIDIA GPUs, and torch sees none")
def test_half_precision_on_a_gpu_comes_close(folder):
    files = folder(known_geometry())
    (exact,) = estimator(files, model="da3-small")([view()])
    (found,) = estimator(files, model="da3-small", device="cuda")([view()])
    assert found.z.device == exact.z.device
    torch.testing.assert_close(found.z, exact.z, rtol=0.02, atol=0.02)


def test_the_run_hands_its_memory_its_consent_and_the_folder_on(tmp_path):
    words = [
        "backends/depth=depth_anything",
        "memory=low",
        "accept_noncommercial=true",
        f"backends.depth.path={tmp_path}",
    ]
    built = compose(words).build("backends.depth")
    assert (built.memory, built.accept_noncommercial, built.path) == ("low", True, tmp_path)
