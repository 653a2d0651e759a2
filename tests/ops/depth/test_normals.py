"""Laws of the normals of depth maps."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.core import Camera
from vistadream.ops.depth.normals import normals_from_depth

H, W = 40, 60


CAMERA = Camera.from_focal(50.0, W, H)


ALL = torch.ones(H, W, dtype=torch.bool)


def plane_depth(camera: Camera, normal: tuple[float, float, float], distance: float) -> torch.Tensor:
    """z of the plane normal . x = distance, by ray intersection."""
    n = torch.tensor(normal)
    return distance / (camera.rays() @ (n / n.norm()))


def step(ratio: float = 1.5) -> torch.Tensor:
    z = torch.full((H, W), 2.0)
    z[:, W // 2 :] *= ratio
    return z


NORMALS = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.3, 1)).filter(
    lambda n: bool((CAMERA.rays() @ torch.tensor(n) > 0.05).all())
)


@given(NORMALS, st.floats(0.1, 100))
@settings(max_examples=20, deadline=None)
def test_the_normal_of_a_plane_is_its_normal_up_to_the_border(normal, distance):
    normals, valid = normals_from_depth(CAMERA, plane_depth(CAMERA, normal, distance), ALL)
    wanted = -torch.tensor(normal) / torch.tensor(normal).norm()
    assert valid.all()
    assert torch.allclose(normals, wanted.expand(H, W, 3), atol=3e-3)


def test_the_normals_of_a_sphere_point_from_its_centre():
    center, radius, rays = torch.tensor([0.1, -0.2, 4.0]), 1.5, CAMERA.rays()
    b, a = rays @ center, (rays * rays).sum(-1)
    root = b * b - a * (center @ center - radius**2)
    hit = root > 0.05 * b * b
    z = torch.where(hit, (b - root.clamp(min=0).sqrt()) / a, 0.0)
    normals, valid = normals_from_depth(CAMERA, z, hit)
    truth = (rays * z[..., None] - center) / radius
    inner = (normals * truth).sum(-1)[valid]
    assert torch.equal(valid, valid & hit)
    assert float(inner.median()) > 0.999
    assert ((normals * rays).sum(-1)[valid] < 0).all()


def test_normals_do_not_bend_at_an_occlusion():
    z = plane_depth(CAMERA, (0.2, 0.3, 1.0), 2.0)
    z[:, W // 2 :] = plane_depth(CAMERA, (-0.3, 0.1, 1.0), 4.0)[:, W // 2 :]
    normals, valid = normals_from_depth(CAMERA, z, ALL)
    left = -torch.tensor([0.2, 0.3, 1.0]) / math.sqrt(1.13)
    right = -torch.tensor([-0.3, 0.1, 1.0]) / math.sqrt(1.10)
    assert valid.all()
    assert torch.allclose(normals[:, : W // 2], left.expand(H, W // 2, 3), atol=1e-3)
    assert torch.allclose(normals[:, W // 2 :], right.expand(H, W // 2, 3), atol=1e-3)


def test_a_pixel_without_neighbours_has_no_normal():
    valid = torch.zeros_like(ALL)
    valid[3, 3] = True
    normals, has_normal = normals_from_depth(CAMERA, step(), valid)
    assert not has_normal.any()
    assert torch.equal(normals[3, 3], torch.tensor([0.0, 0.0, -1.0]))
