"""A small scene that observers can look at."""

import pytest
import torch

from vistadream.core import Camera, Gaussians, View


@pytest.fixture
def view() -> View:
    """24x16 pixels from a camera off the origin and turned; z from 1 to 2, a generated border on the left."""
    h, w = 16, 24
    pose = torch.tensor([[0.8, 0.0, 0.6, 0.1], [0.0, 1.0, 0.0, -0.2], [-0.6, 0.0, 0.8, 0.3], [0.0, 0.0, 0.0, 1.0]])
    camera = Camera.from_focal(20.0, w, h, (11.0, 9.0)).at(pose)
    generated = torch.zeros(h, w, dtype=torch.bool)
    generated[:, :4] = True
    z = torch.linspace(1, 2, h * w).reshape(h, w)
    return View("input", camera, torch.rand(h, w, 3), z, ~generated, ~generated, generated)


@pytest.fixture
def gaussians() -> Gaussians:
    """50 Gaussians, each different in every field."""
    n = 50
    return Gaussians(torch.randn(n, 3), torch.randn(n, 4), torch.rand(n, 3) + 0.1, torch.rand(n), torch.rand(n, 3))
