"""Frames to a video: H.264 MP4, which every browser and phone plays, or GIF and WebP for pages that show pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import UInt8

PICTURE_PX = 480
"""The largest width and height of a GIF or WebP, because their files grow fast."""
PICTURE_FPS = 15
"""The largest frame rate of a GIF or WebP."""
WEBP_QUALITY = 70

Frame = UInt8[np.ndarray, "h w 3"]


class VideoFile:
    """Takes frames (sRGB, all of one size) while it is open; the suffix of its path names the format.

    `crf` is the constant rate factor of x264: 0 is lossless, 18 is visually almost lossless, 51 is the smallest file.
    An odd side of an MP4 is made even by repeating its last row or column, as 4:2:0 chroma requires. The same frames
    give the same bytes. ValueError for frames of the wrong type or size, or for none; OSError with the message of
    ffmpeg when the file cannot be written. After an error no file is left.
    """

    def __init__(self, path: Path, fps: float = 24, crf: int = 18):
        self._path, self._fps, self._crf = path, fps, crf
        self._open = ExitStack()
        self._pipe: IO[bytes] | None = None
        self._shape: tuple[int, ...] | None = None

    def __call__(self, frame: Frame) -> None:
        if frame.dtype != np.uint8 or frame.shape != (self._shape or (*frame.shape[:2], 3)):
            wanted = f"uint8 {self._shape or '(height, width, 3)'}"
            raise ValueError(f"VideoFile: got a frame of {frame.dtype} {frame.shape}; wanted {wanted}")
        even = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
        if self._pipe is None:
            self._shape = frame.shape
            command = _command(self._path, even.shape[1], even.shape[0], self._fps, self._crf)
            self._pipe = self._open.enter_context(_encoder(self._path, command))
        try:
            self._pipe.write(even.tobytes())
        except BrokenPipeError:
            self._open.close()  # ffmpeg ended early: this raises its message

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        if kind is None and self._pipe is None:
            raise ValueError("VideoFile: got no frames; wanted at least one")
        return self._open.__exit__(kind, error, trace)


@contextmanager
def _encoder(path: Path, command: list[str]) -> Iterator[IO[bytes]]:
    """A pipe that takes raw RGB frames. At the end the file is complete, or it is removed and an error raised."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        yield process.stdin
        with suppress(BrokenPipeError):
            process.stdin.close()
        output = process.stderr.read().decode(errors="replace").strip()
        if process.wait() != 0:
            raise OSError(f"cannot write the video {path}: {output}")
    except BaseException:
        process.kill()
        process.wait()
        path.unlink(missing_ok=True)
        raise
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stderr.close()


def _command(path: Path, width: int, height: int, fps: float, crf: int) -> list[str]:
    import imageio_ffmpeg

    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0"),
        *_FORMATS[path.suffix](fps, crf),
        # One thread and no version strings: the bytes depend on the frames alone, not on the number of cores.
        *("-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
        f"file:{path}",
    ]


def _mp4(fps: float, crf: int) -> list[str]:
    bt709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    return [
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p", *bt709),
        *("-c:v", "libx264", "-crf", f"{crf}", "-preset", "veryfast", "-movflags", "+faststart", "-f", "mp4"),
    ]


def _smaller(fps: float) -> str:
    size = f"scale='min({PICTURE_PX},iw)':'min({PICTURE_PX},ih)':force_original_aspect_ratio=decrease:flags=area"
    return f"fps={min(fps, PICTURE_FPS):g},{size}"


def _gif(fps: float, crf: int) -> list[str]:
    """One palette per frame; a common palette would need the whole video in memory."""
    palettes = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"
    return ["-filter_complex", f"{_smaller(fps)},{palettes}", "-loop", "0", "-f", "gif"]


def _webp(fps: float, crf: int) -> list[str]:
    return ["-vf", _smaller(fps), "-c:v", "libwebp_anim", "-quality", f"{WEBP_QUALITY}", "-loop", "0", "-f", "webp"]


_FORMATS = {".mp4": _mp4, ".gif": _gif, ".webp": _webp}
