"""Lesson 2: stop a run, resume it, and change a knob afterwards.

python examples/02_stop_and_resume.py image=photo.jpg out=outputs/lesson2
"""

import subprocess
import sys
import time
from pathlib import Path

from vistadream import single_image


def finished_stages(folder: Path) -> list[str]:
    """Each finished stage has a folder with a file done.json, which is written last."""
    return sorted(done.parent.name for done in folder.glob("*/done.json"))


def stop_after_initialize(out: Path, knobs: list[str]) -> Path:
    """Starts a run in another process, and ends it after the stage initialize. Returns the run's folder."""
    command = [sys.executable, "-m", "vistadream", "single-img", "stage=coarse", f"out={out}", *knobs]
    process = subprocess.Popen(command)
    while process.poll() is None and not list(out.glob("*/*/03_initialize/done.json")):
        time.sleep(0.05)
    process.terminate()  # in a terminal, press Ctrl-C
    print(f"the run ended with exit code {process.wait()} (143: terminated, 130: Ctrl-C)")
    return max(out.glob("*/*"))  # the names are dates, so the last one is the newest


def main(knobs: list[str]) -> None:
    out = next((Path(knob[4:]) for knob in knobs if knob.startswith("out=")), Path("outputs/lesson2"))
    folder = stop_after_initialize(out, [knob for knob in knobs if not knob.startswith("out=")])
    print(f"finished before the stop: {finished_stages(folder)}")

    # A resumed run needs only its folder: it takes the finished stages from there and computes the others.
    # The result has the same bytes as that of a run that was never stopped.
    single_image(stage="coarse", overrides=[f"resume={folder}"])
    print(f"finished after resuming: {finished_stages(folder)}")

    # With a changed knob, only the stages that depend on it run again: here the last one.
    single_image(stage="coarse", overrides=[f"resume={folder}", "stages.coarse.steps=3"])


if __name__ == "__main__":
    main(sys.argv[1:])
