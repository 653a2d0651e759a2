"""The network around its weights: sizes, mirror images, edges, and how it is blended with the layout."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.network import predict
from vistadream.backends.depth.network.fusion import WITHIN, confidence, fuse
from vistadream.backends.depth.network.model import HALVING, STRIDE, DepthNet
from vistadream.backends.depth.network.predict import Reading, read, working_size
from vistadream.backends.depth.network.upsample import follow_picture
from vistadream.config import configured
from vistadream.core import Camera, View

H, W, AREA = 60, 90, DepthNet().area


@given(st.integers(20, 3000), st.integers(20, 3000))
def test_the_working_size_is_a_multiple_of_the_stride_near_the_trained_area(height, width):
    h, w = working_size(height, width, AREA)
    assert h % STRIDE == w % STRIDE == 0
    assert h >= 2 * STRIDE
    assert w >= 2 * STRIDE
    if max(height, width) < 2 * min(height, width):
        assert AREA / 2 < h * w < AREA * 2


@pytest.mark.parametrize("area", [AREA, 144 * 192])
def test_a_mirrored_picture_is_read_as_the_mirror_image(area):
    net = DepthNet(area).eval()
    rgb = torch.rand(H, W, 3)
    camera = Camera.from_focal(80.0, W, H, (30.0, 35.0))
    mirrored = Camera.from_focal(80.0, W, H, (W - 30.0, 35.0))
    one, other = read(net, rgb, camera, True), read(net, rgb.flip(1), mirrored, True)
    assert torch.allclose(one.log_z.flip(1), other.log_z, atol=1e-4)
    assert torch.allclose(one.sky.flip(1), other.sky, atol=1e-4)
    assert torch.allclose(one.normal.flip(2) * torch.tensor([-1, 1, 1])[:, None, None], other.normal, atol=1e-4)
    assert (one.error > 0).all()


def test_a_network_for_large_pictures_gives_the_mean_of_two_sizes(monkeypatch):
    net, rgb, camera = DepthNet(144 * 192).eval(), torch.rand(H, W, 3), Camera.from_fov(60, W, H)
    alone = {}
    for area in (144 * 192, 96 * 128):
        monkeypatch.setattr(predict, "USUAL_AREA", area)  # the first is not larger than itself: one size
        net.area = area
        alone[area] = read(net, rgb, camera, True)
    monkeypatch.undo()
    net.area = 144 * 192
    both = read(net, rgb, camera, True)
    large, small = alone[144 * 192], alone[96 * 128]
    shape = large.log_z.shape
    assert both.log_z.shape == shape
    assert small.log_z.shape != shape
    resized = torch.nn.functional.interpolate(small.log_z[None, None], shape, mode="bilinear")[0, 0]
    assert torch.allclose(both.log_z, (large.log_z + resized) / 2, atol=1e-4)


def test_predictions_that_disagree_expect_a_larger_error():
    readings = [reading(slope, 0.2) for slope in (SLOPE, -SLOPE + 7)]
    error = predict._mean(readings).error
    assert torch.allclose(error, 0.2 + (SLOPE - SLOPE.mean()).abs(), atol=1e-5)
    assert torch.allclose(predict._mean(readings[:1] * 3).error, torch.tensor(0.2))


def test_any_number_of_threads_reads_the_same_bits():
    net, rgb, camera = DepthNet().eval(), torch.rand(H, W, 3), Camera.from_fov(60, W, H)
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(fuse(torch.ones(H, W), NO_SKY, 0.2, read(net, rgb, camera, True), rgb))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(x, getattr(other, name)) for name, x in vars(found[0]).items())


def test_the_net_is_told_the_rays():
    net = DepthNet().eval()
    rgb = torch.rand(H, W, 3)
    wide, narrow = (read(net, rgb, Camera.from_fov(fov, W, H), True).log_z for fov in (90, 40))
    assert not torch.allclose(wide, narrow, atol=1e-3)
    assert wide.shape == tuple(side // HALVING for side in working_size(H, W, AREA))


def test_upsampling_keeps_constants_and_bounds_and_moves_edges_to_the_pictures():
    rgb = torch.zeros(64, 96, 3)
    rgb[:, 41:] = 1.0
    coarse = torch.zeros(2, 8, 12)
    coarse[0] = 3.0
    coarse[1, :, 5:] = 1.0  # its edge is at column 40, the picture's at 41
    fine = follow_picture(coarse, rgb)
    assert torch.allclose(fine[0], torch.tensor(3.0), atol=1e-4)
    assert fine[1].min() >= -1e-5
    assert fine[1].max() <= 1 + 1e-5
    steepest = (fine[1, :, 1:] - fine[1, :, :-1]).argmax(1) + 1
    assert (steepest == 41).all()


def reading(log_z: torch.Tensor, error: float, sky: float = -9.0) -> Reading:
    ahead = torch.tensor([0.0, 0, -1])[:, None, None].expand(3, *log_z.shape)
    return Reading(log_z, torch.full_like(log_z, error), ahead, torch.full_like(log_z, sky))


NO_SKY, GREY = torch.zeros(H, W, dtype=torch.bool), torch.full((H, W, 3), 0.5)
SLOPE = torch.linspace(0, 1, W // 2).expand(H // 2, -1)


def test_who_expects_no_error_decides_up_to_one_factor():
    layout_z = 1 + torch.rand(H, W)
    unsure = fuse(layout_z, NO_SKY, 0.1, reading(SLOPE, 1e6), GREY).z
    assert torch.allclose(unsure, layout_z, rtol=1e-4)
    sure = fuse(layout_z, NO_SKY, 0.1, reading(SLOPE, 0.0), GREY).z
    ratio = torch.log(sure) - follow_picture(SLOPE[None].contiguous(), GREY)[0]
    assert float(ratio.max() - ratio.min()) < 1e-4
    shifted = fuse(layout_z, NO_SKY, 0.1, reading(SLOPE + 5, 0.1), GREY).z
    assert torch.allclose(shifted, fuse(layout_z, NO_SKY, 0.1, reading(SLOPE, 0.1), GREY).z, rtol=1e-4)


def test_equal_trust_meets_half_way_and_a_layout_surer_by_half_is_hardly_moved():
    def slope_of(layout_error: float, error: float) -> float:
        """In the middle, where a steady slope has no detail."""
        z = fuse(torch.ones(H, W), NO_SKY, layout_error, reading(SLOPE, error), GREY).z
        return float(torch.log(z[H // 2, 6 * W // 10] / z[H // 2, 4 * W // 10]))

    apart = slope_of(1.0, 0.0)
    for layout_error, share in ((0.2, 0.5), (0.1, 1 / 17), (0.4, 16 / 17)):
        assert slope_of(layout_error, 0.2) == pytest.approx(share * apart, rel=0.02)


def test_what_the_network_sees_stand_out_comes_forward_where_a_dent_or_another_room_is_not_believed():
    def moved(change: torch.Tensor) -> torch.Tensor:
        return fuse(torch.ones(H, W), NO_SKY, 0.1, reading(change, 0.15), GREY).z.log()

    spot = torch.zeros(H // 2, W // 2)
    spot[10:20, 18:27] = 0.5
    nearer, farther, aslope = moved(-spot)[H // 2, W // 2], moved(spot)[H // 2, W // 2], moved(SLOPE)
    assert nearer < -0.25
    assert 0 < farther < 0.1
    assert aslope.abs().max() < 0.15


def test_the_layouts_room_is_believed_less_where_the_network_is_sure_of_sky():
    flat, some = torch.ones(H, W), torch.full((H // 2, W // 2), -9.0)
    some[:4] = 9.0
    indoors = reading(SLOPE, 0.2)
    apart = [float(fuse(flat, NO_SKY, 0.1, said, GREY).z.log().std()) for said in (indoors, replace(indoors, sky=some))]
    assert apart[1] > 3 * apart[0]


def test_confidence_is_the_chance_to_be_right_and_falls_with_the_error_that_is_expected():
    flat = torch.zeros(H // 2, W // 2)
    readings = [reading(flat, error) for error in (0.0, 0.05, 0.1, 0.2)]
    found = [fuse(torch.ones(H, W), NO_SKY, 0.2, said, GREY).confidence.mean() for said in readings]
    assert found == sorted(found, reverse=True)
    assert found[0] == 1
    unsure = fuse(torch.ones(H, W), NO_SKY, 0.2, reading(flat, 1e6), GREY).confidence
    assert torch.allclose(unsure, confidence(torch.tensor(0.2)), atol=1e-4), "the layout's own error where it decides"
    error = torch.distributions.Laplace(0.0, 0.2).sample((200_000,))
    right = (error.abs() < WITHIN).float().mean()
    assert torch.allclose(confidence(torch.tensor(0.2)), right, atol=0.005)


@pytest.mark.parametrize(("logit", "overruled"), [(1.0, False), (5.0, True)])
def test_only_a_sure_network_overrules_the_layout_about_the_sky(logit, overruled):
    flat = torch.zeros(H // 2, W // 2)
    layout_sky = NO_SKY.clone()
    layout_sky[:20] = True
    for said in (logit, -logit):
        sky = fuse(torch.ones(H, W), layout_sky, 0.1, reading(flat, 0.1, said), GREY).sky
        assert torch.equal(sky, layout_sky if not overruled else torch.full_like(sky, said > 0))


def test_a_sky_goes_as_a_whole_or_not_at_all():
    doubted = torch.full((H // 2, W // 2), 3.0)
    doubted[:4, :30] = -9.0
    doubted[10:] = -9.0
    layout_sky = NO_SKY.clone()
    layout_sky[:20] = True
    said = replace(reading(torch.zeros_like(doubted), 0.1), sky=doubted)
    assert torch.equal(fuse(torch.ones(H, W), layout_sky, 0.1, said, GREY).sky, layout_sky)


def test_the_blend_keeps_the_contract_of_the_embedded_depth():
    camera = Camera.from_fov(60, W, H)
    none = torch.zeros(H, W, dtype=torch.bool)
    view = View("input", camera, torch.rand(H, W, 3), None, ~none, ~none, none, focal_known=False)
    (found,) = configured("backends/depth=embedded", network=True, max_ratio=5.0)([view])
    assert not found.is_metric
    assert float(found.z.max() / found.z.min()) <= 5 * (1 + 1e-6)
    assert found.sky is not None
    assert not (found.valid & found.sky).any()
    assert math.isfinite(float(found.z.sum()))
    assert found.confidence is not None
    assert found.confidence.shape == found.z.shape
    (plain,) = configured("backends/depth=embedded", network=False)([view])
    assert plain.confidence is None, "it would be one number for the whole picture"
    assert found.normals is None, "those of the blended depth are better"
    (again,) = configured("backends/depth=embedded", network=True, max_ratio=5.0)([view])
    assert torch.equal(found.z, again.z)
