"""How long do the commands take to start, and which large libraries do they import for it?

Run: python benchmarks/startup.py [--rounds 5]; PYTHONPATH=OTHER/src measures another checkout.
Each command runs in a process of its own; the shortest time counts. One more run under `-X importtime` gives the
libraries and their seconds, with all that they import in turn. Prints Markdown for docs/benchmarks/startup.md.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time

SMALL_RUN = ("max_resolution=96", "stage=no-outpaint", "stages.initialize.steps=2", "export=[ply,metrics,report]")
COMMANDS = {
    "--help": ("--help",),
    "single-img --help": ("single-img", "--help"),
    "single-img --cfg": ("single-img", "--cfg"),
    "a small run, rerun.mode=off": ("single-img", *SMALL_RUN, "rerun.mode=off"),
    "a small run, rerun.mode=save": ("single-img", *SMALL_RUN, "rerun.mode=save"),
}
LIBRARIES = ("torch", "torch._dynamo", "numba", "rerun", "cv2", "scipy.linalg", "hydra", "diffusers", "transformers")
_IMPORT = re.compile(r"^import time:\s*\d+ \|\s*(?P<microseconds>\d+) \|\s*(?P<module>[\w.]+)$", re.MULTILINE)


def process(words: tuple[str, ...], *options: str) -> tuple[float, float, str]:
    """Wall and processor seconds of a command in a process and folder of its own, and what it wrote to stderr."""
    with tempfile.TemporaryDirectory() as folder:
        wall_s, cpu_s = time.perf_counter(), _cpu_s()
        command = [sys.executable, *options, "-m", "vistadream", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        return time.perf_counter() - wall_s, _cpu_s() - cpu_s, done.stderr


def _cpu_s() -> float:
    """Processor seconds of all processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def imports(words: tuple[str, ...]) -> dict[str, float]:
    """Seconds that a command takes to import each module, with what the module imports."""
    log = process(words, "-X", "importtime")[2]
    return {match["module"]: int(match["microseconds"]) / 1e6 for match in _IMPORT.finditer(log)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| command | wall s | processor s | modules | large libraries, with seconds |\n|---|---|---|---|---|")
    for name, words in COMMANDS.items():
        found = imports(words)  # first, as it compiles what the timed runs then find compiled
        walls_s, cpus_s, _ = zip(*(process(words) for _ in range(options.rounds)), strict=True)
        large = ", ".join(f"{library} {found[library]:.2f}" for library in LIBRARIES if library in found)
        print(f"| {name} | {min(walls_s):.2f} | {min(cpus_s):.2f} | {len(found):,} | {large or 'none'} |", flush=True)


if __name__ == "__main__":
    main()
