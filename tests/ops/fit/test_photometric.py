"""The fused photometric loss against plain torch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.ops.fit.photometric import l1_dssim


def ssim_map(rgb, truth):
    """Structural similarity of every pixel, mean of RGB: Wang et al. 2004, window 11x11, sigma 1.5, renormalised."""
    x, y = (im.permute(2, 0, 1)[:, None] for im in (rgb, truth))
    taps = torch.exp(-((torch.arange(11, dtype=rgb.dtype) - 5) ** 2) / (2 * 1.5**2))
    taps = taps / taps.sum()

    def blur(im):
        im = torch.nn.functional.conv2d(im, taps.view(1, 1, 11, 1), padding=(5, 0))
        return torch.nn.functional.conv2d(im, taps.view(1, 1, 1, 11), padding=(0, 5))

    inside = blur(torch.ones_like(x[:1]))
    mx, my, xx, yy, xy = (blur(im) / inside for im in (x, y, x * x, y * y, x * y))
    c1, c2 = 0.01**2, 0.03**2
    s = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    s = s / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))
    return s[:, 0].mean(0)


def plain(rendered, target, weight, dssim_weight):
    per_pixel = (1 - dssim_weight) * (rendered - target).abs().mean(-1) + dssim_weight * (
        1 - ssim_map(rendered, target)
    )
    return (weight * per_pixel).sum() / weight.sum()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(4, 50), st.integers(4, 50), st.floats(0, 1), st.floats(0.001, 0.5), st.integers(0, 2**31))
def test_loss_and_gradient_equal_plain_torch_in_float64(height, width, dssim_weight, noise, seed):
    rng = torch.Generator().manual_seed(seed)
    target = torch.rand(height, width, 3, generator=rng)
    rendered = (target + noise * torch.randn(height, width, 3, generator=rng)).requires_grad_()
    weight = torch.rand(height, width, generator=rng)
    exact = rendered.detach().double().requires_grad_()
    loss = l1_dssim(rendered, target, weight, dssim_weight)
    expected = plain(exact, target.double(), weight.double(), dssim_weight)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    (3 * loss).backward()
    (3 * expected).backward()
    assert (rendered.grad - exact.grad).norm() <= 5e-4 * exact.grad.norm()


def test_equal_pictures_have_no_loss():
    image = torch.rand(20, 30, 3).requires_grad_()
    loss = l1_dssim(image, image.detach().clone(), torch.ones(20, 30), 0.2)
    loss.backward()
    assert abs(loss.item()) < 1e-6
    assert image.grad.abs().max() < 1e-6


def test_pixels_without_weight_count_only_as_neighbours():
    target, rendered, weight = torch.rand(40, 40, 3), torch.rand(40, 40, 3), torch.zeros(40, 40)
    weight[:, :10] = 1
    changed = rendered.clone()
    changed[:, 15:] = 0
    assert l1_dssim(rendered, target, weight, 0.2) == l1_dssim(changed, target, weight, 0.2)


def test_no_weight_at_all_is_no_loss():
    rendered = torch.rand(5, 5, 3).requires_grad_()
    loss = l1_dssim(rendered, torch.rand(5, 5, 3), torch.zeros(5, 5), 0.2)
    loss.backward()
    assert loss == 0
    assert (rendered.grad == 0).all()


def test_the_number_of_threads_changes_no_bit():
    rendered, target, weight = torch.rand(37, 53, 3), torch.rand(37, 53, 3), torch.rand(37, 53)
    results = []
    for threads in (1, 2):
        before, leaf = torch.get_num_threads(), rendered.clone().requires_grad_()
        torch.set_num_threads(threads)
        loss = l1_dssim(leaf, target, weight, 0.2)
        torch.set_num_threads(before)
        loss.backward()
        results.append((loss.detach(), leaf.grad))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_bad_input_is_named():
    image, weight = torch.rand(5, 6, 3), torch.ones(5, 6)
    with pytest.raises(ValueError, match="target is"):
        l1_dssim(image, image[:4], weight, 0.2)
    with pytest.raises(ValueError, match=r"rendered is .*float64"):
        l1_dssim(image.double(), image, weight, 0.2)
    with pytest.raises(ValueError, match="dssim_weight is 2"):
        l1_dssim(image, image, weight, 2)
