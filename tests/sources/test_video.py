"""Of a video the sharpest frame of each window of time is taken, upright, by time stamps, as far as it can be read."""

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from vistadream.core import UserError, silent
from vistadream.formats.video import VideoFile
from vistadream.sources.video import read_video

FPS = 24
STEP = 4
"""Pixels that the camera moves in each frame."""


def ffmpeg(*words: object) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, words)], check=True)


@pytest.fixture
def clip(tmp_path: Path, photo) -> Callable[..., Path]:
    """Writes a clip of a camera that moves to the right, with some of the frames blurred."""

    def written(frames: int = 72, sharp: Sequence[int] | None = None, name: str = "clip.mp4") -> Path:
        with VideoFile(tmp_path / name, FPS, crf=10) as video:
            for i in range(frames):
                video(np.array(photo(i * STEP, blur=0 if sharp is None or i in sharp else 3)))
        return tmp_path / name

    return written


def shift_of(frame: Image.Image, photo) -> int:
    """How far to the right a frame was taken, in frames."""
    levels = np.asarray(frame, float)
    return int(np.argmin([np.abs(levels - np.asarray(photo(i * STEP), float)).mean() for i in range(100)]))


def test_the_sharpest_frame_of_each_window_is_taken(clip, photo) -> None:
    sharp = [5, 20, 26, 47, 48, 71]
    reading = read_video(clip(72, sharp), fps=2, most=100)
    assert [shift_of(shot.read()[0], photo) for shot in reading.shots] == sharp
    assert [shot.name for shot in reading.shots] == [f"clip {i / FPS:.2f} s" for i in sharp]
    assert [shot.time_s for shot in reading.shots] == pytest.approx([i / FPS for i in sharp])
    assert reading.remarks == ()


def test_frames_can_be_read_again_and_out_of_order(clip, photo) -> None:
    shots = read_video(clip(), fps=4, most=100).shots
    assert len(shots) == 12
    forward, back = ([shift_of(shot.read()[0], photo) for shot in order] for order in (shots, shots[::-1]))
    assert forward == back[::-1]
    assert forward == sorted(forward)


def test_more_windows_than_wanted_become_longer_ones(clip, photo) -> None:
    sharp = [3, 40]
    shots = read_video(clip(72, sharp), fps=6, most=2).shots
    assert [shift_of(shot.read()[0], photo) for shot in shots] == sharp


def test_a_clip_that_is_to_be_turned_for_display_is_turned(clip, tmp_path: Path) -> None:
    ffmpeg("-display_rotation", 90, "-i", clip(24), "-c", "copy", tmp_path / "turned.mp4")
    plain, turned = (read_video(tmp_path / name, 2, 100).shots[0].read()[0] for name in ("clip.mp4", "turned.mp4"))
    assert (plain.size, turned.size) == ((160, 120), (120, 160))
    assert np.abs(np.asarray(plain.rotate(90, expand=True), float) - np.asarray(turned, float)).mean() < 3


def test_pixels_that_are_not_square_become_square(clip, tmp_path: Path) -> None:
    ffmpeg("-i", clip(24), "-vf", "setsar=2", tmp_path / "wide.mp4")
    assert read_video(tmp_path / "wide.mp4", 2, 100).shots[0].read()[0].size == (320, 120)


def test_a_variable_frame_rate_is_read_by_its_time_stamps(clip, photo, tmp_path: Path) -> None:
    """Every frame of the first second and every eighth of the others: windows are of equal time, not of equal count."""
    ffmpeg("-i", clip(72), "-vf", "select='lt(t,1)+not(mod(n,8))'", "-fps_mode", "vfr", tmp_path / "variable.mkv")
    shifts = [shift_of(shot.read()[0], photo) for shot in read_video(tmp_path / "variable.mkv", 2, 100).shots]
    assert len(shifts) == 6
    assert all(12 * window - 8 < shift < 12 * (window + 1) for window, shift in enumerate(shifts))


@pytest.mark.parametrize("suffix", ["mov", "mkv", "webm", "avi", "gif", "jpg", "unknown"])
def test_a_video_is_known_by_what_it_holds(clip, tmp_path: Path, suffix: str, source, heard) -> None:
    path = clip(48)
    other = tmp_path / f"my clip.{suffix}"
    path.rename(other) if suffix in ("jpg", "unknown") else ffmpeg("-i", path, other)
    assert len(heard.of(source(other)).names) == 4
    assert source(other).name == "my clip"
    assert list(source(other).inputs()) == [other]


def test_a_broken_tail_is_left_out_and_named(clip, tmp_path: Path, source, heard) -> None:
    path = clip(96)  # with its index in front
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    assert 2 <= len(heard.of(source(path)).names) < 8
    assert any(re.search(r"clip\.mp4 is damaged: 1\.\d of its 4\.0 seconds", line) for line in heard.lines)


def test_black_frames_are_left_out(clip, tmp_path: Path, source, heard) -> None:
    ffmpeg("-i", clip(72), "-vf", "drawbox=color=black:t=fill:enable='lt(t,1)'", tmp_path / "dark.mp4")
    assert len(heard.of(source(tmp_path / "dark.mp4")).names) == 4
    assert list(heard.reasons.values()) == ["it shows one flat color"] * 2


BAD = {
    "one frame": (lambda clip: clip(1), r"clip\.mp4 gives only one picture; wanted two or more"),
    "a camera that stands still": (
        lambda clip: _still(clip),
        r"1 of 4 can be .* shows the same as still 0\.00",
    ),
    "text": (lambda clip: _with(clip, b"#EXTM3U\nhttp://example.org/a.ts\n"), r"neither a picture nor a video"),
    "nothing": (lambda clip: _with(clip, b""), r"neither a picture nor a video"),
    "no index": (lambda clip: _with(clip, clip().read_bytes()[:2000]), r"neither a picture nor a video"),
}


def _with(clip, data: bytes) -> Path:
    path = clip(1)
    path.write_bytes(data)
    return path


def _still(clip) -> Path:
    path = clip(1)
    ffmpeg("-stream_loop", 47, "-i", path, path.with_name("still.mp4"))
    return path.with_name("still.mp4")


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_clip_of_a_moving_camera_is_one_sentence(clip, kind: str, source) -> None:
    made, wanted = BAD[kind]
    with pytest.raises(UserError, match=wanted) as caught:
        source(made(clip))(silent)
    assert "\n" not in str(caught.value)
