"""Refine all 3D Gaussians of a scene together, against posed views: the same as the command `vistadream refine`.

examples:
  python tools/run_fastgs_refine.py --dataset-dir DATASET --init-gaussians START.ply --result-dir refined
  python tools/run_fastgs_refine.py --dataset-dir outputs/photo/DATE/04_coarse --result-dir refined \\
      stages.refine.steps=400 backends/render=gsplat rerun.mode=off
"""

from __future__ import annotations

import sys

from vistadream.commands import guard

NAME = "run_fastgs_refine"

if __name__ == "__main__":
    guard.begin(NAME)  # before the packages below, which take seconds

from vistadream.commands.refine import GOING_ON, act


def main(words: list[str] | None = None) -> int:
    """The exit code: 2 for what the user can mend."""
    refine = act(words, NAME)
    return guard.guarded(NAME, lambda: refine, GOING_ON)


if __name__ == "__main__":
    sys.exit(main())
