"""Frames to an H.264 MP4 that every browser and phone plays."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import UInt8

CRF = 18
"""x264's constant rate factor: near to visually lossless."""

Frame = UInt8[np.ndarray, "h w 3"]


def write_video(frames: Iterable[Frame], path: Path, fps: float = 24) -> Path:
    """Encode the frames (sRGB, all of one size) as they come and return `path`; the same frames give the same bytes.

    An odd side is made even by repeating its last row or column, for 4:2:0 chroma wants pairs. Raises ValueError for
    frames of the wrong type or size, or none; OSError with ffmpeg's words when the file cannot be written. After an
    error no file is left.
    """
    stream = _checked(frames)
    first = next(stream, None)
    if first is None:
        raise ValueError("write_video: got no frames; wanted at least one")
    height, width = first.shape[:2]
    with _encoder(path, width, height, fps) as pipe:
        pipe.write(first.tobytes())
        for frame in stream:
            pipe.write(frame.tobytes())
    return path


def _checked(frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames, each of the first one's size, with even sides."""
    wanted = None
    for i, frame in enumerate(frames):
        wanted = wanted or (*frame.shape[:2], 3)
        if frame.dtype != np.uint8 or frame.shape != wanted:
            raise ValueError(f"write_video: frame {i} is {frame.dtype} {frame.shape}; wanted uint8 {wanted}")
        height, width, _ = wanted
        yield np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


@contextmanager
def _encoder(path: Path, width: int, height: int, fps: float) -> Iterator[IO[bytes]]:
    """A pipe that takes raw RGB frames; on leaving, the file is complete, or removed and an error raised."""
    process = subprocess.Popen(_command(path, width, height, fps), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:  # ffmpeg gave up; its own words below say why
            pass
        words = process.stderr.read().decode(errors="replace").strip()
        if process.wait() != 0:
            raise OSError(f"cannot write the video {path}: {words}")
    except BaseException:
        process.kill()
        process.communicate()
        path.unlink(missing_ok=True)
        raise


def _command(path: Path, width: int, height: int, fps: float) -> list[str]:
    import imageio_ffmpeg

    bt709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", *bt709),
        *("-c:v", "libx264", "-crf", f"{CRF}", "-preset", "veryfast", "-movflags", "+faststart"),
        # One thread and no version strings: the bytes depend on the frames alone, not on the number of cores.
        *("-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
        *("-f", "mp4", f"file:{path}"),
    ]
