"""The network around its weights: sizes, mirror images, and edges."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.network import predict
from vistadream.backends.depth.network.model import HALVING, STRIDE, DepthNet
from vistadream.backends.depth.network.predict import read, working_size
from vistadream.backends.depth.network.reading import Reading, mean
from vistadream.backends.depth.network.upsample import follow_picture
from vistadream.core import Camera

H, W, AREA = 60, 90, DepthNet().area


@given(st.integers(20, 3000), st.integers(20, 3000))
def test_the_working_size_is_a_multiple_of_the_stride_near_the_trained_area(height, width):
    h, w = working_size(height, width, AREA)
    assert h % STRIDE == w % STRIDE == 0
    assert h >= 2 * STRIDE
    assert w >= 2 * STRIDE
    if max(height, width) < 2 * min(height, width):
        assert AREA / 2 < h * w < AREA * 2


def test_a_mirrored_picture_is_read_as_the_mirror_image():
    net = DepthNet().eval()
    rgb = torch.rand(H, W, 3)
    camera = Camera.from_focal(80.0, W, H, (30.0, 35.0))
    mirrored = Camera.from_focal(80.0, W, H, (W - 30.0, 35.0))
    one, other = read(net, rgb, camera, True), read(net, rgb.flip(1), mirrored, True)
    assert torch.allclose(one.log_z.flip(1), other.log_z, atol=1e-4)
    assert torch.allclose(one.sky.flip(1), other.sky, atol=1e-4)
    assert torch.allclose(one.normal.flip(2) * torch.tensor([-1, 1, 1])[:, None, None], other.normal, atol=1e-4)
    assert (one.error > 0).all()


def reading_of(log_z: torch.Tensor, border: float = 0.0) -> Reading:
    ahead = torch.tensor([0.0, 0, -1])[:, None, None].expand(3, *log_z.shape)
    return Reading(log_z, torch.full_like(log_z, 0.2), ahead, torch.zeros_like(log_z), border)


def test_the_reading_is_the_mean_of_all_glances(monkeypatch):
    net, rgb, camera, alone = DepthNet().eval(), torch.rand(H, W, 3), Camera.from_fov(60, W, H), []
    together, glances = read(net, rgb, camera, True), predict.GLANCES
    for glance in glances:
        monkeypatch.setattr(predict, "GLANCES", (glance,))
        monkeypatch.setattr(predict, "mean", lambda readings: alone.extend(readings))
        read(net, rgb, camera, True)
    assert torch.equal(mean(alone).log_z, together.log_z)
    assert len({tuple(reading.log_z.shape) for reading in alone}) > 1
    assert not glances[0][1], "the first sees all of the picture"


def test_the_mean_ignores_the_level_of_each_reading():
    slope = torch.linspace(0, 1, 45).expand(30, -1)
    found = mean([reading_of(slope), reading_of(slope + 7), reading_of(slope - 3)])
    assert torch.allclose(found.log_z, slope + 4 / 3, atol=1e-5)
    assert torch.allclose(found.error, torch.tensor(0.2), atol=1e-5)


def test_a_reading_without_the_border_says_nothing_about_the_border_and_all_the_more_inside():
    plain, other = torch.zeros(40, 60), torch.zeros(36, 54)
    other[10:20, 20:30] = 1.0
    found = mean([reading_of(plain), reading_of(other, border=0.05)]).log_z
    rim = torch.ones(40, 60, dtype=torch.bool)
    rim[2:-2, 3:-3] = False
    assert torch.allclose(found[rim], found[0, 0], atol=1e-5)
    inside = found[13:21, 24:32] - found[30:35, 40:50].mean()
    assert torch.allclose(inside, torch.tensor(0.5), atol=1e-4)


def test_predictions_that_disagree_expect_a_larger_error():
    slope = torch.linspace(0, 1, 45).expand(30, -1)
    error = mean([reading_of(slope), reading_of(7 - slope)]).error
    assert torch.allclose(error, 0.2 + (slope - slope.mean()).abs(), atol=1e-5)


def test_any_number_of_threads_reads_the_same_bits():
    net, rgb, camera = DepthNet().eval(), torch.rand(H, W, 3), Camera.from_fov(60, W, H)
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            reading = read(net, rgb, camera, True)
            found.append(follow_picture(torch.stack([reading.log_z, reading.error, reading.sky]), rgb))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_the_reading_depends_on_the_rays():
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


def test_no_upsampled_value_leaves_the_range_of_the_coarse_map_on_any_picture():
    coarse, rgb = torch.rand(2, 12, 16).round(), torch.rand(60, 80, 3)
    fine = follow_picture(coarse, rgb)
    assert fine.min() >= 0
    assert fine.max() <= 1
    assert fine.std() > 0.1, "or the map was lost"


def test_upsampling_is_mirrored_with_the_picture_and_moves_with_a_constant():
    coarse, rgb = torch.rand(1, 12, 16), torch.rand(60, 80, 3)
    fine = follow_picture(coarse, rgb)
    assert torch.allclose(follow_picture(coarse.flip(2), rgb.flip(1)).flip(2), fine, atol=1e-3)
    assert torch.allclose(follow_picture(coarse + 3, rgb), fine + 3, atol=1e-3)


def test_a_map_stays_smooth_where_the_picture_is_plain():
    slope = torch.linspace(0, 1, 16).expand(1, 12, 16).contiguous()
    fine = follow_picture(slope, torch.full((60, 80, 3), 0.5))
    steps = fine[0].diff(dim=1)
    assert steps.min() >= -1e-4
    assert steps.max() < 3 / 80
    assert torch.allclose(fine, fine[:, :1].expand_as(fine), atol=1e-4)
