"""Lesson 4: watch a run that works on another machine.

On that machine, in a terminal that survives a lost connection (tmux):

    python examples/04_watch_over_ssh.py image=photo.jpg

The run prints two commands for your own machine: one forwards the port by ssh, one opens the viewer. The viewer
needs only `pip install rerun-sdk`. More situations: docs/remote.md.
"""

import sys

from vistadream import single_image

WATCHED = [
    "rerun.mode=serve",  # serve on this machine's loopback address, where only ssh reaches it
    "rerun.max_splats=100000",  # send less over a slow connection; the files keep every Gaussian
    "rerun.jpeg_quality=70",
    "rerun.wait=true",  # keep serving after the run, until Ctrl-C
]


def main(knobs: list[str]) -> None:
    run = single_image(overrides=[*WATCHED, *knobs])

    # The recording holds the same as the live view. Copy it and open it later: rerun run.rrd
    recording = run.folder / "run.rrd"
    print(f"recording: {recording} ({recording.stat().st_size / 2**20:.1f} MiB)")


if __name__ == "__main__":
    main(sys.argv[1:])
