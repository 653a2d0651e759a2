"""The sky is a sphere, and it goes on behind what stands before it."""

import torch

from vistadream.core import Camera, View
from vistadream.ops.depth.sky import eroded_sky, shell_z, sky_backdrop

H, W = 40, 60
CAMERA = Camera.from_fov(70, W, H)


def sunset(skyline: int) -> tuple[View, torch.Tensor]:
    """Blue above the skyline, green below it."""
    sky = torch.zeros(H, W, dtype=torch.bool)
    sky[:skyline] = True
    rgb = torch.where(sky[..., None], torch.tensor([0.2, 0.4, 0.9]), torch.tensor([0.1, 0.6, 0.1]))
    return View("input", CAMERA, rgb, torch.full((H, W), 3.0), sky | True, sky, ~(sky | True)), sky


def test_every_pixel_of_the_shell_is_equally_far() -> None:
    distance = CAMERA.unproject(shell_z(CAMERA, 7.0)).norm(dim=-1)
    torch.testing.assert_close(distance, torch.full((H, W), 7.0))


def test_the_sky_goes_on_behind_the_skyline_in_its_own_colour() -> None:
    view, sky = sunset(20)
    backdrop = sky_backdrop(view, sky, 50.0, reach=0.1)
    assert backdrop.lift[20:24].all()
    assert not backdrop.lift[:20].any(), "what is seen is lifted already"
    assert not backdrop.lift[26:].any()
    want = torch.tensor([0.2, 0.4, 0.9]).expand(4, W, 3)
    torch.testing.assert_close(backdrop.rgb[20:24], want, atol=1e-3, rtol=0)


def test_without_sky_there_is_no_backdrop() -> None:
    view, sky = sunset(0)
    assert not sky_backdrop(view, sky, 50.0, reach=0.1).lift.any()


def test_only_the_rim_beside_the_skyline_is_taken_off_the_sky() -> None:
    _, sky = sunset(20)
    sky[5:12, 10:14] = False  # a kite
    clear = eroded_sky(sky, mixed=2 / W)
    rim = sky & ~clear
    assert rim[18:20].all()
    assert rim[3:5, 10:14].all()
    assert not rim[:3].any(), "the picture's border is no skyline"
    assert not bool((clear & ~sky).any())
