"""More Gaussians where views agree that something is wrong, and nowhere else."""

from dataclasses import replace

import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, View
from vistadream.ops.fit.budget import densify
from vistadream.ops.gaussians.shape import scale_ratios

RENDERER = configured("backends/render=cpu")

HEIGHT, WIDTH = 24, 32
LEFT = (torch.arange(WIDTH) < WIDTH // 2).expand(HEIGHT, WIDTH)


def wall(sigma: float = 0.12) -> Gaussians:
    """Grey Gaussians on a plane at depth 2."""
    y, x = torch.meshgrid(torch.linspace(-0.8, 0.8, 9), torch.linspace(-1.1, 1.1, 12), indexing="ij")
    means = torch.stack([x, y, torch.full_like(x, 2.0)], -1).reshape(-1, 3)
    n = len(means)
    scales = sigma * torch.tensor([1.0, 0.8, 0.5]).repeat(n, 1)
    return Gaussians(
        means,
        torch.randn(n, 4, generator=torch.Generator().manual_seed(1)),
        scales,
        torch.full((n,), 0.9),
        torch.full((n, 3), 0.5),
    )


def views(*, generated: bool = False, shifts: tuple[float, ...] = (0.0, 0.02)) -> list[View]:
    """What cameras beside one another see, but that the left half is darker in truth."""
    made = []
    for i, shift in enumerate(shifts):
        pose = torch.eye(4)
        pose[0, 3] = shift
        camera = replace(Camera.from_fov(60, WIDTH, HEIGHT), cam_from_world=pose)
        with torch.no_grad():
            rgb = RENDERER(wall(), [camera])[0].rgb
        everywhere = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
        masks = {"supervise": everywhere, "lift": everywhere, "generated": everywhere & generated}
        made.append(View(str(i), camera, torch.where(LEFT[..., None], 0.5 * rgb, rgb), None, **masks))
    return made


def grown(seen: list[View], scene: Gaussians | None = None, **knobs) -> Gaussians:
    settings = {"min_views": 2, "min_error": 0.05, "max_share": 1.0, "seed": 0} | knobs
    scene = scene or wall()
    change = densify(scene, seen, RENDERER, **settings)
    return Gaussians.concat(scene.subset(change.keep), change.added) if change else scene


def test_gaussians_are_added_where_the_error_is() -> None:
    before, after = wall(), grown(views())
    right = lambda scene: int((scene.means[:, 0] > 0.4).sum())  # noqa: E731
    left = lambda scene: int((scene.means[:, 0] < -0.2).sum())  # noqa: E731
    assert right(after) == right(before)
    assert left(after) > 1.6 * left(before)


def test_one_view_alone_is_not_believed() -> None:
    assert len(grown(views(shifts=(0.0,)))) == len(wall())
    assert len(grown(views(shifts=(0.0,)), min_views=1)) > len(wall())


def test_two_views_from_one_place_are_one_witness() -> None:
    assert len(grown(views(shifts=(0.0, 0.0)))) == len(wall())


def test_what_was_invented_is_no_evidence() -> None:
    assert len(grown(views(generated=True))) == len(wall())


def test_a_share_is_kept_to() -> None:
    assert len(grown(views(), max_share=0.1)) == len(wall()) + int(0.1 * len(wall()))


def test_large_ones_are_split_and_small_ones_doubled_and_no_shape_changes() -> None:
    large = grown(views())
    new = large.scales.max(-1).values < 0.1
    assert bool(new.any())
    torch.testing.assert_close(large.scales[new].max(-1).values, torch.full((int(new.sum()),), 0.12 / 1.6))
    torch.testing.assert_close(scale_ratios(large), torch.full((len(large),), 0.5))
    small = grown(views(), wall(0.02))
    assert len(small) > len(wall())
    torch.testing.assert_close(small.scales.max(-1).values, torch.full((len(small),), 0.02))
