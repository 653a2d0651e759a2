"""Laws of the MP4: what goes in comes out, byte for byte again, in memory that does not grow, or no file is left."""

import weakref
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from vistadream.formats.video import PICTURE_PX, VideoFile


def moving_frames(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Smooth saturated gradients that slide: easy for any codec, telling for colour matrices."""
    v, u = np.mgrid[0:height, 0:width]
    phases = [2 * np.pi * (u + i) / width for i in range(count)]
    colors = [(128 + 110 * np.sin(p), 255 * v / height, 128 + 110 * np.cos(p)) for p in phases]
    return [np.stack(channels, -1).astype(np.uint8) for channels in colors]


def write_video(frames: Iterable[np.ndarray], path: Path, fps: float = 24, crf: int = 18) -> Path:
    with VideoFile(path, fps, crf) as video:
        for frame in frames:
            video(frame)
    return path


def decode(path: Path) -> tuple[dict, np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["size"]
    return meta, np.stack([np.frombuffer(raw, np.uint8).reshape(height, width, 3) for raw in reader])


def test_frames_come_back(tmp_path: Path) -> None:
    frames = moving_frames(10)
    path = tmp_path / "a film, 100 % = (ours) #1: é.mp4"
    meta, decoded = decode(write_video(frames, path, fps=12))
    assert (meta["codec"], meta["fps"], meta["duration"]) == ("h264", 12, pytest.approx(10 / 12, abs=0.05))
    assert meta["pix_fmt"].startswith("yuv420p")
    error = decoded.astype(float) - np.stack(frames)
    assert decoded.shape == (10, 48, 64, 3)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 33


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (1, 1)])
def test_odd_sides_grow_by_their_last_row_or_column(height: int, width: int, tmp_path: Path) -> None:
    frames = moving_frames(3, height, width)
    _, decoded = decode(write_video(frames, tmp_path / "odd.mp4"))
    assert decoded.shape[1:3] == (height + height % 2, width + width % 2)
    error = decoded[:, :height, :width].astype(float) - np.stack(frames)
    assert np.abs(error).mean() < 8


@pytest.mark.parametrize("suffix", ["mp4", "gif", "webp"])
def test_same_frames_same_bytes(suffix: str, tmp_path: Path) -> None:
    first, second = (write_video(moving_frames(5), tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    assert first == second


def test_a_larger_rate_factor_gives_a_smaller_file(tmp_path: Path) -> None:
    noise = [np.random.default_rng(i).integers(0, 255, (64, 64, 3), dtype=np.uint8) for i in range(3)]
    sizes = [write_video(noise, tmp_path / f"{crf}.mp4", crf=crf).stat().st_size for crf in (0, 18, 40)]
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_moving_pictures_loop_and_keep_their_time(suffix: str, tmp_path: Path) -> None:
    """Read back by Pillow, which knows nothing of ffmpeg."""
    frames = moving_frames(24, 150, 200)
    with Image.open(write_video(frames, tmp_path / f"a.{suffix}", fps=24)) as moving:
        assert (moving.size, moving.n_frames, moving.info["loop"]) == ((200, 150), 15, 0)
        seconds, errors = 0.0, []
        for i in range(moving.n_frames):
            moving.seek(i)
            shown = np.asarray(moving.convert("RGB"), float)
            errors.append(np.abs(shown - frames[round(i / 15 * 24)]).mean())
            seconds += moving.info["duration"] / 1000
    assert seconds == pytest.approx(1, abs=0.1)
    assert max(errors) < 12


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_moving_pictures_are_kept_small(suffix: str, tmp_path: Path) -> None:
    with Image.open(write_video(moving_frames(2, 300, 1200), tmp_path / f"a.{suffix}")) as moving:
        assert moving.size == (PICTURE_PX, PICTURE_PX // 4)


def test_index_stands_before_the_data_so_that_browsers_start_at_once(tmp_path: Path) -> None:
    content = write_video(moving_frames(5), tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_frames_are_taken_one_at_a_time(tmp_path: Path) -> None:
    seen: list[weakref.ref] = []
    most_alive = 0

    def frames():
        nonlocal most_alive
        for frame in map(np.copy, [np.zeros((32, 32, 3), np.uint8)] * 30):
            seen.append(weakref.ref(frame))
            most_alive = max(most_alive, sum(ref() is not None for ref in seen))
            yield frame

    write_video(frames(), tmp_path / "a.mp4")
    assert len(seen) == 30
    assert most_alive <= 4


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ([], "at least one"),
        ([np.zeros((4, 4, 3))], "a frame of float64"),
        ([np.zeros((4, 4), np.uint8)], r"a frame of uint8 \(4, 4\)"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)], r"4, 6, 3.* wanted uint8 \(4, 4, 3\)"),
    ],
)
def test_bad_frames_are_refused_and_leave_no_file(frames: list, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=problem):
        write_video(iter(frames), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_a_failing_renderer_leaves_no_file(tmp_path: Path) -> None:
    def frames():
        yield from moving_frames(2)
        raise RuntimeError("renderer fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        write_video(frames(), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_an_unwritable_place_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot write the video .*nowhere"):
        write_video(moving_frames(50, 200, 200), tmp_path / "nowhere" / "a.mp4")
