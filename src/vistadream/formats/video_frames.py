"""Reads the frames of a video file by ffmpeg: upright, with square pixels, and evenly spaced in time.

A video of variable frame rate is resampled to the constant `rate`, so that frame n shows the time n / rate. The file is
taken for what it holds, whatever its suffix. ffmpeg may open containers of video only, and nothing but this file.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import UInt8

VIDEOS = "MP4, MOV, MKV, WebM, AVI or GIF"
_CONTAINERS = "mov,matroska,avi,gif,webp_anim,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,ivf,m4v,mxf,dv"
"""The demuxers of ffmpeg that may be used: no playlists, which name other files, and no text."""
_SQUARE = "scale=w='max(1,iw*sar)':h=ih,setsar=1"


def is_video(path: Path) -> bool:
    """Whether a frame of the file can be decoded as video."""
    command = [*_input(path), "-frames:v", "1", "-f", "null", "-"]
    return subprocess.run(command, capture_output=True).returncode == 0


def duration_s(path: Path) -> float | None:
    """How long the file says that it plays, in seconds; None when it does not say."""
    output = subprocess.run(_input(path, "info"), capture_output=True).stderr.decode(errors="replace")
    found = re.search(r"Duration: (\d+):(\d+):(\d+\.?\d*)", output)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else None


def small_gray_frames(path: Path, rate: float, long_px: int) -> Iterator[UInt8[np.ndarray, "h w"]]:
    """Every frame in gray, scaled to a long side of `long_px` pixels."""
    scale = f"scale={long_px}:{long_px}:force_original_aspect_ratio=decrease:flags=area"
    yield from (frame[..., 0] for frame in _frames(path, [f"fps={rate:g}", _SQUARE, scale], "pgm", "gray"))


def frames_at(path: Path, rate: float, numbers: Sequence[int]) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The frames of these numbers, which must rise, in color and at full size."""
    yield from _frames(path, [f"fps={rate:g}", f"select='{_is_one_of(numbers)}'", _SQUARE], "ppm", "rgb24")


def _is_one_of(numbers: Sequence[int]) -> str:
    """Whether `n` is one of the numbers, by halves, since ffmpeg limits the depth of an expression."""
    if len(numbers) == 1:
        return f"eq(n,{numbers[0]})"
    half = len(numbers) // 2
    return f"if(lt(n,{numbers[half]}),{_is_one_of(numbers[:half])},{_is_one_of(numbers[half:])})"


def _frames(path: Path, filters: list[str], codec: str, pixels: str) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """The frames as far as they can be decoded; a damaged rest is left out."""
    output = ("-vf", ",".join(filters), "-fps_mode", "passthrough", "-c:v", codec, "-pix_fmt", pixels)
    command = [*_input(path), "-map", "0:V:0", *output, "-f", "image2pipe", "pipe:1"]
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as process:
        assert process.stdout is not None
        try:
            frame = None
            while (frame := _next(process.stdout)) is not None:
                yield frame
        finally:
            process.kill()


def _next(pipe: IO[bytes]) -> UInt8[np.ndarray, "h w c"] | None:
    """The next picture of a stream of binary PGM or PPM files; None at its end."""
    kind, size, depth = (pipe.readline().split() for _ in range(3))
    if not depth:
        return None
    width, height, channels = *map(int, size), {b"P5": 1, b"P6": 3}[kind[0]]
    levels = pipe.read(width * height * channels)
    if len(levels) < width * height * channels:
        return None
    return np.frombuffer(levels, dtype=np.uint8).reshape(height, width, channels)


def _input(path: Path, level: str = "error") -> list[str]:
    import imageio_ffmpeg

    allowed = ("-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS)
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-v", level, "-nostdin", *allowed, "-i", f"file:{path}"]
