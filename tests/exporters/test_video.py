"""Videos of a flight: what their frames show, and that each frame is rendered once for all of them."""

from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from vistadream.core import Scene
from vistadream.exporters.file_names import VIDEO_FORMATS, VIDEO_PICTURES, video_file
from vistadream.exporters.video import Videos
from vistadream.trajectories.paths import Dolly


def frames(path: Path) -> np.ndarray:
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader])


def test_every_frame_is_rendered_once_for_all_videos(scene: Scene, context, keeping, tmp_path: Path) -> None:
    given = context(scene, keeping)
    Videos(list(VIDEO_PICTURES), list(VIDEO_FORMATS), 12, 0)(scene, tmp_path, given)
    given.flight.hole_ratios()
    assert len(keeping.drawn) == 4, "and the hole ratios of the flight come from the same renderings"
    assert len(list(tmp_path.iterdir())) == 9
    color, depth, both = (frames(tmp_path / video_file(picture, "mp4")) for picture in VIDEO_PICTURES)
    assert color.shape == depth.shape == (4, 32, 48, 3)
    assert np.abs(both.astype(int) - np.concatenate([color, depth], axis=2)).mean() < 6, "side by side: color, depth"
    for frame in depth.astype(int):
        near, far = frame[16, 6], frame[16, 42]
        assert near[0] > near[2] + 40, "near is red"
        assert far[2] > far[0], "far is blue"


def test_depth_has_one_color_map_for_the_whole_flight_and_seldom_saturates(
    receding_wall: Scene, context, keeping, tmp_path: Path
) -> None:
    """A camera moves towards a wall that recedes to the right: turbo's level is one line over 1/z in all frames."""
    given = context(receding_wall, keeping, Dolly(0.4, 0.0))
    Videos(["depth"], ["mp4"], 12, 0)(receding_wall, tmp_path, given)
    seen = keeping.drawn
    known = np.stack([one.alpha.numpy() > 0.9 for one in seen])
    inverse = 1 / np.stack([one.z.numpy() for one in seen])[known]
    level = turbo_level(frames(tmp_path / video_file("depth", "mp4"))[known])
    assert min(float(one.z.min()) for one in seen) < 1.5, "the camera comes nearer than the photo was"
    within = (level > 10) & (level < 245)
    slope, offset = np.polyfit(inverse[within], level[within], 1)
    assert slope > 0, "near is red"
    assert np.abs(slope * inverse + offset - level)[within].max() < 12, "4:2:0 chroma costs some levels"
    assert ((level < 2) | (level > 253)).mean() < 0.05


def turbo_level(colors: np.ndarray) -> np.ndarray:
    """The level, 0 to 255, whose turbo color is nearest to each of the (n, 3) colors."""
    turbo = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_TURBO)[:, 0, ::-1].astype(int)
    return np.abs(colors[:, None].astype(int) - turbo).sum(-1).argmin(1)


@pytest.mark.parametrize(("pictures", "formats"), [([], ["mp4"]), (["rgb"], [])])
def test_without_a_picture_or_a_format_nothing_is_rendered(
    pictures: list[str], formats: list[str], scene: Scene, context, keeping, tmp_path: Path
) -> None:
    Videos(pictures, formats, 12, 0)(scene, tmp_path, context(scene, keeping))
    assert not keeping.drawn
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("knobs", "match"),
    [
        ({"pictures": ["left"]}, "wanted some of rgb, depth, side_by_side"),
        ({"pictures": ["rgb", "rgb"]}, "each once"),
        ({"formats": ["avi"]}, "wanted some of mp4, gif, webp"),
        ({"fps": 0}, "1 or more"),
        ({"crf": 52}, "0 to 51"),
    ],
)
def test_values_that_are_not_possible_are_refused(knobs: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Videos(**{"pictures": ["rgb"], "formats": ["mp4"], "fps": 24, "crf": 18, **knobs})
