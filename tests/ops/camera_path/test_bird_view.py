"""The map shows what lies to the right on the right, what lies ahead above, and holes in red."""

import torch

from vistadream.core import Camera, Gaussians
from vistadream.ops.camera_path.bird_view import bird_view
from vistadream.ops.camera_path.pose import rigid

PHOTO = Camera.from_fov(60, 64, 48)


def at(x: float, z: float) -> Camera:
    return PHOTO.at(rigid(torch.eye(3), torch.tensor([x, 0.0, z])))


def rows_and_columns(picture: torch.Tensor, channel: int) -> torch.Tensor:
    """The mean row and column of the pixels in which one channel is far above both others."""
    others = [i for i in range(3) if i != channel]
    return torch.nonzero(picture[..., channel] > picture[..., others].max(-1).values + 0.4).float().mean(dim=0)


def test_places_lie_where_they_are_and_holes_are_red() -> None:
    picture = bird_view(Gaussians.empty(), [at(1, 0), at(-1, 0)], [0.2, 0.0], [], PHOTO)
    red, green = rows_and_columns(picture, 0), rows_and_columns(picture, 1)
    assert float(red[1]) > 240 > float(green[1])
    assert abs(float(red[0]) - float(green[0])) < 2


def test_chosen_views_point_ahead_and_forward_is_up() -> None:
    picture = bird_view(Gaussians.empty(), [], [], [at(0.0, 1.0), at(0.0, 0.5)], PHOTO)
    row, column = rows_and_columns(picture, 2).tolist()
    assert row < 360
    assert abs(column - 240) < 2
