"""MoGe-2 behind our protocol, by the real package, on tiny checkpoints written as the published ones are.

A checkpoint of known geometry: the view-plane coordinates (u, v) that MoGe feeds to its decoder go straight to the
heads, which then say exp(a + b u) for depth, a focal length of our choice, and no depth above a line.
"""

import dataclasses
import math
import sys

import pytest
import torch
from tests.devices.fake_device import FakeDevice

from vistadream.backends.depth.moge import MogeDepth
from vistadream.backends.weights.residence import resident
from vistadream.config import compose
from vistadream.core import Camera, UserError, View, use_observer

moge = pytest.importorskip("moge.model.v2", reason="the package moge is not installed: requirements/moge.txt")

WIDTH, HEIGHT = 64, 48  # 12 tokens of 14 pixels: the decoder's finest grid is the picture's own
FOCAL = 1.6  # in halves of the picture's diagonal
SLOPE, SCALE = 0.4, 3.0  # z = SCALE exp(SLOPE u)
SKYLINE = -0.35  # in v; no depth above


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch):
    """The package's constructor of its small backbone, shrunk; and no model left from another test."""
    from moge.model.dinov2.hub import backbones
    from moge.model.dinov2.models.vision_transformer import DinoVisionTransformer

    def tiny(pretrained):
        assert not pretrained, "the weights come from the checkpoint"
        return DinoVisionTransformer(
            img_size=28, patch_size=14, embed_dim=8, depth=1, num_heads=2, init_values=1.0, block_chunks=0
        )

    monkeypatch.setattr(backbones, "dinov2_vits14", tiny)
    resident.release()


def stack(dim_in, dim_out):
    """Five levels of eight channels, each twice as fine as the one before."""
    return {
        "dim_in": dim_in,
        "dim_res_blocks": [8] * 5,
        "dim_out": [None] * 4 + [dim_out],
        "resamplers": ["bilinear"] * 4,
        "num_res_blocks": 0,
    }


def checkpoint():
    """What the published files hold, with random weights."""
    config = {
        "encoder": {"backbone": "dinov2_vits14", "intermediate_layers": 1, "dim_out": 8},
        "neck": stack([10, 2, 2, 2, 2], None),
        "points_head": stack([8] * 5, 3),
        "mask_head": stack([8] * 5, 1),
        "normal_head": stack([8] * 5, 3),
        "scale_head": {"dims": [8, 8, 1]},
        "remap_output": "exp",
        "num_tokens_range": [12, 48],
    }
    return {"model_config": config, "model": moge.MoGeModel(**config).state_dict()}


def known_geometry():
    """The checkpoint of the module's docstring; its normals point away from the camera."""
    found = checkpoint()
    weights = {name: torch.zeros_like(tensor) for name, tensor in found["model"].items()}
    weights["encoder.image_std"] += 1
    for stage in ("neck", "points_head", "mask_head", "normal_head"):
        weights[f"{stage}.input_blocks.4.weight"][[0, 1], [0, 1]] = 1.0
    weights["points_head.output_blocks.4.weight"][[0, 1, 2], [0, 1, 0], 0, 0] = torch.tensor(
        [1 / FOCAL, 1 / FOCAL, SLOPE]
    )
    weights["mask_head.output_blocks.4.weight"][0, 1] = 50.0
    weights["mask_head.output_blocks.4.bias"] -= 50.0 * SKYLINE
    weights["normal_head.output_blocks.4.bias"][2] = 1.0
    weights["scale_head.2.bias"] += math.log(SCALE)
    return {**found, "model": weights}


@pytest.fixture
def folder(tmp_path):
    """Writes a checkpoint where the backend looks for it."""

    def write(content):
        torch.save(content, tmp_path / "model.pt")
        return tmp_path

    return write


def estimator(folder, **knobs):
    given = {"model": "auto", "device": "cpu", "memory": "auto", "resolution_level": None, "min_sky": 0.005}
    return MogeDepth(**given | {"path": folder} | knobs)


def view(camera, focal_known=False, seed=0):
    height, width = camera.height, camera.width
    rgb = torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))
    everywhere = torch.ones(height, width, dtype=torch.bool)
    return View("photo", camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known)


CENTRED = Camera.from_focal(70, WIDTH, HEIGHT)


def plane_coordinates(camera, focal_px):
    """(u, v) of every pixel: MoGe's, in halves of the diagonal, from the rays of the focal length that it will find."""
    return camera.with_focal(focal_px).rays()[..., :2] * FOCAL


def test_depth_intrinsics_and_normals_are_those_of_a_known_geometry(folder):
    (found,) = estimator(folder(known_geometry()))([view(CENTRED)])
    focal_px = FOCAL * math.hypot(WIDTH, HEIGHT) / 2
    assert found.camera.fx == found.camera.fy == pytest.approx(focal_px, rel=1e-3)
    assert (found.camera.cx, found.camera.cy) == (WIDTH / 2, HEIGHT / 2)
    u, v = plane_coordinates(CENTRED, focal_px).unbind(-1)
    torch.testing.assert_close(found.valid, v > SKYLINE)
    torch.testing.assert_close(found.z[found.valid], SCALE * torch.exp(SLOPE * u)[found.valid], rtol=2e-3, atol=0)
    assert found.is_metric
    torch.testing.assert_close(
        found.normals[found.valid], torch.tensor([0.0, 0.0, -1.0]).expand(int(found.valid.sum()), 3)
    )


def test_a_view_on_a_gpu_gets_its_prediction_there(folder):
    seen, model = view(CENTRED), estimator(folder(known_geometry()))
    (wanted,) = model([seen])
    with FakeDevice():
        (found,) = model([seen.to("cuda")])
        for name in ("z", "valid", "normals", "sky"):
            assert getattr(found, name).device.type == "cuda", name
            assert torch.equal(getattr(found, name).cpu(), getattr(wanted, name)), name


def test_what_has_no_depth_is_finite_not_valid_and_sky_where_it_is_large(folder):
    (found,) = estimator(folder(known_geometry()))([view(CENTRED)])
    assert torch.isfinite(found.z).all()
    assert 0.05 < (~found.valid).float().mean() < 0.5
    torch.testing.assert_close(found.sky, ~found.valid)
    assert not found.normals[~found.valid].any()
    (careful,) = estimator(folder(known_geometry()), min_sky=0.9)([view(CENTRED)])
    assert not careful.sky.any()
    torch.testing.assert_close(careful.valid, found.valid)


@pytest.mark.parametrize("principal_px", [(44.0, 24.0), (32.0, 15.0), (20.0, 33.0)])
@pytest.mark.parametrize("focal_known", [False, True])
def test_an_off_centre_principal_point_is_padded_to_the_centre(folder, principal_px, focal_known):
    width, height = (WIDTH + 2 * abs(principal_px[0] - WIDTH / 2), HEIGHT + 2 * abs(principal_px[1] - HEIGHT / 2))
    focal_px = FOCAL * math.hypot(width, height) / 2
    camera = Camera.from_focal(focal_px if focal_known else 70, WIDTH, HEIGHT, principal_px)
    (found,) = estimator(folder(known_geometry()))([view(camera, focal_known)])
    assert (found.camera.cx, found.camera.cy) == principal_px
    assert found.camera.fx == pytest.approx(focal_px, rel=0.02)
    u, v = plane_coordinates(camera, focal_px).unbind(-1)
    assert (found.valid != (v > SKYLINE)).float().mean() < 0.03
    both = found.valid & (v > SKYLINE)
    torch.testing.assert_close(found.z[both], SCALE * torch.exp(SLOPE * u)[both], rtol=0.03, atol=0)


@pytest.mark.filterwarnings("ignore:In CPU autocast")
@pytest.mark.parametrize("zoom", [0.7, 1.0, 1.5])
def test_a_known_focal_length_is_kept_and_reaches_the_model(folder, zoom):
    files = folder(known_geometry())
    camera = CENTRED.with_focal(zoom * FOCAL * math.hypot(WIDTH, HEIGHT) / 2)
    seen = view(camera, focal_known=True)
    (found,) = estimator(files)([seen])
    assert found.camera is camera
    field_of_view_deg = math.degrees(2 * math.atan(WIDTH / 2 / camera.fx))
    model = moge.MoGeModel.from_pretrained(files / "model.pt").eval()
    theirs = model.infer(seen.rgb.permute(2, 0, 1), resolution_level=0, fov_x=field_of_view_deg, use_fp16=False)
    torch.testing.assert_close(found.z[found.valid], theirs["depth"][found.valid])
    assert theirs["intrinsics"][0, 0] * WIDTH == pytest.approx(camera.fx, rel=1e-5)
    centre = SCALE * zoom  # the longer the lens, the farther what fills the picture
    assert float(found.z[HEIGHT // 2 + 2, WIDTH // 2]) == pytest.approx(centre, rel=0.1)


def test_a_picture_of_random_weights_gives_the_same_bits_loaded_anew(folder):
    content = checkpoint()
    content["model"]["mask_head.output_blocks.4.bias"] += 10  # random ones may find depth nowhere, so that all z are 0
    files = folder(content)
    estimate = estimator(files)
    views = [view(CENTRED, focal_known=True), view(Camera.from_focal(50, 45, 62), focal_known=True, seed=1)]
    state = torch.get_rng_state()
    first = estimate(views)
    assert torch.equal(torch.get_rng_state(), state), "loading a model draws from nobody's random numbers"
    assert [tuple(found.z.shape) for found in first] == [(HEIGHT, WIDTH), (62, 45)]
    assert all(found.valid.any() for found in first)
    resident.release()
    for one, other in zip(first, estimate(views), strict=True):
        assert torch.equal(one.z, other.z)
        assert torch.equal(one.valid, other.valid)
        assert not one.z.is_inference()
    (finer,) = estimator(files, resolution_level=9)(views[:1])
    assert not torch.equal(finer.z, first[0].z)
    (another,) = estimate([view(CENTRED, focal_known=True, seed=2)])
    assert not torch.equal(another.z, first[0].z)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: w.pop("neck.resamplers.2.1.weight"),
        lambda w: w.update({"mask_head.output_blocks.4.bias": torch.zeros(2)}),
    ],
)
def test_weights_that_are_not_all_there_are_refused_by_name(folder, spoil):
    content = checkpoint()
    spoil(content["model"])
    with pytest.raises(UserError, match=r"lacks 1 of the model's \d+ tensors.*(neck|mask_head)\..*wanted the file"):
        estimator(folder(content))([view(CENTRED)])


@pytest.mark.filterwarnings("ignore:In CPU autocast")
@pytest.mark.parametrize("slope", [0.4, 6.0, 14.0])
def test_half_precision_keeps_what_is_valid_and_its_depth(folder, monkeypatch, slope):
    """By the autocast of a CPU, which takes even the exponential of the depth in half precision: a GPU does not."""
    content = known_geometry()
    content["model"]["points_head.output_blocks.4.weight"][2, 0] = slope  # depths up to exp(slope) : 1
    files, seen = folder(content), [view(CENTRED, focal_known=True)]
    (exact,) = estimator(files)(seen)
    infer = moge.MoGeModel.infer
    monkeypatch.setattr(moge.MoGeModel, "infer", lambda *args, **knobs: infer(*args, **knobs | {"use_fp16": True}))
    (found,) = estimator(files)(seen)
    assert not torch.equal(found.z, exact.z)
    assert torch.equal(found.valid, exact.valid)
    assert torch.isfinite(found.z).all()
    assert bool((found.z[found.valid] > 0).all())
    torch.testing.assert_close(found.z, exact.z, rtol=0.01, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="half precision is for NVIDIA GPUs, and torch sees none")
@pytest.mark.parametrize("memory", ["high", "low"])
def test_half_precision_on_a_gpu_comes_close(folder, memory):
    files = folder(known_geometry())
    (exact,) = estimator(files)([view(CENTRED)])
    (found,) = estimator(files, device="cuda", memory=memory)([view(CENTRED)])
    assert found.z.device == exact.z.device
    assert found.camera.fx == pytest.approx(exact.camera.fx, rel=0.01)
    torch.testing.assert_close(found.z, exact.z, rtol=0.02, atol=0.02)


def test_tensors_of_no_use_are_told_of(folder):
    content = checkpoint()
    content["model"]["refiner.weight"] = torch.zeros(3)
    notes = []
    with use_observer(lambda name, value, step=None: notes.append(value.text)):
        estimator(folder(content))([view(CENTRED, focal_known=True)])
    assert any("refiner.weight" in note for note in notes)


@pytest.mark.parametrize("content", [{"weights": {}}, {"model": {}, "model_config": {"encoder": "dinov2_vits14"}}])
def test_a_file_of_another_model_is_refused(folder, content):
    with pytest.raises(UserError, match="is not a checkpoint of MoGe-2"):
        estimator(folder(content))([view(CENTRED)])


def test_a_torn_file_is_refused(folder):
    files = folder(checkpoint())
    whole = (files / "model.pt").read_bytes()
    (files / "model.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is not a checkpoint of MoGe-2"):
        estimator(files)([view(CENTRED)])


@pytest.mark.parametrize("package", ["moge", "utils3d"])
def test_a_package_that_is_not_here_is_named_with_its_command(monkeypatch, tmp_path, package):
    for name in [name for name in sys.modules if name.split(".")[0] in ("moge", "utils3d")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=f"package {package} is not installed.*pip install --no-deps dlr-moge"):
        estimator(tmp_path)([view(CENTRED)])


def test_the_other_package_named_utils3d_is_found_out(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "utils3d", sys)
    with pytest.raises(UserError, match=r"utils3d here is another one.*pip uninstall utils3d"):
        estimator(tmp_path)([view(CENTRED)])


def test_no_focal_length_is_an_error_that_names_the_knob(folder):
    content = known_geometry()
    content["model"]["points_head.output_blocks.4.weight"] *= -1
    with pytest.raises(UserError, match=r"no focal length.*camera\.focal_px"):
        estimator(folder(content))([view(CENTRED)])


def test_pixels_that_are_not_square_are_refused(folder):
    stretched = dataclasses.replace(CENTRED, K=CENTRED.K * torch.tensor([[1.2], [1.0], [1.0]]))
    with pytest.raises(ValueError, match="wanted square pixels"):
        estimator(folder(known_geometry()))([view(stretched)])


@pytest.mark.parametrize(
    "knobs",
    [{"model": "moge-3"}, {"device": "tpu"}, {"memory": "full"}, {"resolution_level": 10}, {"min_sky": 1.5}],
)
def test_a_knob_out_of_range_is_refused(tmp_path, knobs):
    (knob,) = knobs
    with pytest.raises(ValueError, match=rf"MogeDepth\.{knob}: got .*wanted"):
        estimator(tmp_path, **knobs)


def test_the_run_hands_its_memory_and_the_folder_on(tmp_path):
    built = compose(["backends/depth=moge", "memory=low", f"backends.depth.path={tmp_path}"]).build("backends.depth")
    assert (built.memory, built.path) == ("low", tmp_path)
