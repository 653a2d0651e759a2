"""Pictures of photos and their depth, read by OpenCV."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vistadream.core import Scene, UserError
from vistadream.exporters.depth_vis import DepthPictures


def turbo(levels: np.ndarray) -> np.ndarray:
    """The BGR color of turbo at each level of 0 to 255."""
    return cv2.applyColorMap(np.rint(levels).clip(0, 255).astype(np.uint8)[None], cv2.COLORMAP_TURBO)[0].astype(int)


def test_one_color_means_one_depth_in_all_photos(receding_wall: Scene, context, tmp_path: Path) -> None:
    """A wall from 2 to 4, and one from 1 to 2: the colors are linear in 1/z over the range of both."""
    far = receding_wall.anchor
    near = replace(far, name="near", z=far.z / 2)
    unknown = replace(far, name="unknown", z=torch.where(torch.arange(48) < 24, far.z, 0.0))
    scene = receding_wall.with_views(near, unknown)
    DepthPictures()(scene, tmp_path, context(scene))
    folder = tmp_path / "depth_vis"
    assert sorted(file.name for file in folder.iterdir()) == ["input.jpg", "near.jpg", "unknown.jpg"]
    low, high = np.quantile(np.concatenate([view.z[view.z > 0].numpy() for view in scene.photos]), [0.01, 0.99])
    for view in scene.photos:
        pair = cv2.imread(str(folder / f"{view.name}.jpg")).astype(int)
        assert pair.shape == (32, 96, 3)
        assert np.abs(pair[:, :48, ::-1] - view.rgb.numpy() * 255).mean() < 4, "the photo is on the left"
        inverse = 1 / view.z.numpy()[16].clip(1e-9)
        wanted = turbo(255 * (inverse - 1 / high) / (1 / low - 1 / high))
        wanted[view.z[16] == 0] = 96
        assert np.abs(pair[16, 48:] - wanted).mean() < 12, f"{view.name}: JPEG costs some levels"


def test_without_depth_there_is_one_sentence(cube: Scene, context, tmp_path: Path) -> None:
    bare = Scene(tuple(replace(view, z=None) for view in cube.photos))
    with pytest.raises(UserError, match=r"export=\[depth_vis\]: no photo has depth; wanted"):
        DepthPictures()(bare, tmp_path, context(bare))
    assert not list(tmp_path.iterdir())
