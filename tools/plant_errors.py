"""Do the CPU renderer's tests notice errors? Plants one after another in a copy of the sources, where the tests run.

Run `python tools/plant_errors.py`; each error costs a compilation and some tests, half a minute of CPU time. Exit code
1 if one went unnoticed. The table in docs/renderer.md is what `--out` writes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tyro

ROOT = Path(__file__).parents[1]
ROOM = Path("src/vistadream/backends/render/cpu")


@dataclass(frozen=True)
class Planted:
    """One error: what stands in a file of the renderer, and what is put in its place."""

    what: str
    file: str
    right: str
    wrong: str


ERRORS = (
    Planted("alpha is not capped", "forward.py", "MAX_ALPHA = 0.999", "MAX_ALPHA = 1.0"),
    Planted("pairs are cut under 1/128", "projection.py", "MIN_ALPHA = 1.0 / 255.0", "MIN_ALPHA = 1.0 / 128.0"),
    Planted("no early stop", "forward.py", "MIN_TRANSMITTANCE = 1e-4", "MIN_TRANSMITTANCE = 0.0"),
    Planted(
        "a pixel stops one splat late", "forward.py", "(after > MIN_TRANSMITTANCE)", "(before > MIN_TRANSMITTANCE)"
    ),
    Planted(
        "pixel centers at whole numbers", "forward.py", "np.float32(x + 0.5)) - center_x", "np.float32(x)) - center_x"
    ),
    Planted("back to front", "binning.py", "1]].sort()", "1]][::-1].sort()"),
    Planted(
        "equal depths in reverse",
        "binning.py",
        "keys[starts[tile] : starts[tile + 1]].sort()",
        "part = keys[starts[tile] : starts[tile + 1]]; "
        "part[:] = part[::-1][np.argsort(part[::-1] >> 32, kind='stable')]",
    ),
    Planted("boxes lose their last row of tiles", "binning.py", "(box[3] - 1) // TILE_H + 1", "(box[3] - 1) // TILE_H"),
    Planted("the first tile column is TILE_H wide", "binning.py", "box[0] // TILE_W", "box[0] // TILE_H"),
    Planted("boxes too small", "projection.py", "reach = 2.0 /", "reach = 1.0 /"),
    Planted("row spans a pixel short", "forward.py", "np.ceil(middle - half - 0.5)", "np.ceil(middle - half + 0.5)"),
    Planted(
        "blur on one axis",
        "projection.py",
        "xx, xy, yy = eps2d_px2, 0.0, eps2d_px2",
        "xx, xy, yy = eps2d_px2, 0.0, 0.0",
    ),
    Planted(
        "slopes are not limited", "projection.py", "min(max(slope_x, lens.min_slope_x), lens.max_slope_x)", "slope_x"
    ),
    Planted("the near plane is ignored", "projection.py", "lens.near_z <= depth[0]", "0.0 < depth[0]"),
    Planted("radius_clip_px takes the smaller radius", "projection.py", "np.ceil(max(reach_x", "np.ceil(min(reach_x"),
    Planted("no compensation of opacities", "projection.py", "        if lens.antialiased:\n", "        if False:\n"),
    Planted(
        "the compensation's gradient is dropped",
        "projection_backward.py",
        "    if lens.antialiased:\n",
        "    if False:\n",
    ),
    Planted("infinite colors are drawn", "projection.py", "math.isfinite(total)", "True"),
    Planted("a capped alpha has a gradient", "backward.py", "free = blended & (alpha < MAX_ALPHA)", "free = blended"),
    Planted("what lies behind is forgotten", "backward.py", "behind + weight * value)", "weight * value)"),
    Planted("alpha's gradient is dropped", "backward.py", "planes[3 * PLANE + pixel] = alpha_grad[y, x]", "pass"),
    Planted(
        "the first splat has no gradient", "backward.py", "range(used - 1, start - 1, -1)", "range(used - 1, start, -1)"
    ),
    Planted("unused slots keep garbage", "backward.py", "slots[used:stop] = 0.0", "slots[used:stop] = 1e-3"),
    Planted("a moment has the wrong sign", "backward.py", "m_xy += square * dx * dy", "m_xy -= square * dx * dy"),
    Planted("depth's gradient to means is dropped", "projection_backward.py", "to_z = grad_z - (", "to_z = -("),
    Planted(
        "means do not feel the perspective",
        "projection_backward.py",
        "to_x -= lens.fx * per_z * to_row_x * m[2, c]",
        "to_x -= 0.0",
    ),
    Planted("quaternions are not normalized back", "projection_backward.py", "(to_w - along * w)", "(to_w)"),
    Planted("the pose's turn is dropped", "projection_backward.py", "means[i, c] + to_row_y", "means[i, c]"),
    Planted("the pose's shift is dropped", "projection_backward.py", "pose_grad[c, 3] += to_xyz[c]", "pass"),
    Planted(
        "the last splat of a block is lost",
        "projection_backward.py",
        "min(last * BLOCK, len",
        "min(last * BLOCK - 1, len",
    ),
    Planted("blocks depend on threads", "drawing.py", "pose_grads.sum(0)", "pose_grads.sum(0) * (1 + 1e-6 * threads)"),
    Planted("harmonics have no offset", "spherical_harmonics.py", "value = 0.5\n", "value = 0.0\n"),
    Planted("colors may be negative", "spherical_harmonics.py", "0.0 if value < 0.0 else value", "value"),
    Planted("a harmonic has the wrong sign", "spherical_harmonics.py", "_XYZ * x * y * z,", "-_XYZ * x * y * z,"),
    Planted(
        "means do not feel the view's direction",
        "spherical_harmonics.py",
        "means_grad[i, 0] = (to_x",
        "means_grad[i, 0] = 0.0 * (to_x",
    ),
    Planted(
        "the pose does not feel the view's direction", "spherical_harmonics.py", "-grads[1].sum(0", "0 * grads[1].sum(0"
    ),
    Planted(
        "the background shines through",
        "picture.py",
        "over_background(features[..., :3], alpha)",
        "over_background(features[..., :3], torch.zeros_like(alpha))",
    ),
    Planted("expected depth ignores alpha's gradient", "picture.py", "to_alpha -= image_grad[..., -1] * z", "pass"),
    Planted("memory is not counted", "binning.py", "    require(int(first_pair[-1]))\n", ""),
)


NO_SHRINKING = """
import hypothesis
settings.register_profile("planted", parent=settings.get_profile("vistadream"), phases=[hypothesis.Phase.generate])
settings.load_profile("planted")
"""
"""Added to the tests' conftest.py: the first failing example is enough, the smallest would take minutes to find."""


@dataclass(frozen=True)
class Options:
    """Which errors to plant, and where the table goes."""

    only: str = ""
    """A regular expression for the errors' names."""
    out: Path | None = None
    """Markdown file for the table."""


def plant(error: Planted, root: Path) -> None:
    """Puts the error into the copy of the sources under `root`."""
    path = root / ROOM / error.file
    source = path.read_text()
    if source.count(error.right) != 1:
        raise ValueError(
            f"{error.what}: {error.file} holds {error.right!r} {source.count(error.right)} times; wanted 1"
        )
    path.write_text(source.replace(error.right, error.wrong))


def noticed_by(error: Planted | None) -> str:
    """The first test that fails with the error planted; empty if none does."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder)
        for part in ("src", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        with (copy / "tests" / "conftest.py").open("a") as conftest:
            conftest.write(NO_SHRINKING)
        if error:
            plant(error, copy)
        environment = os.environ | {"PYTHONPATH": str(copy / "src"), "NUMBA_CACHE_DIR": str(copy / "numba")}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/backends/render"]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    if done.returncode < 0:
        return "a crash"
    if done.returncode > 1:
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    failed = re.search(r"^FAILED \S*/(\S+?)::(\w+)", done.stdout, re.MULTILINE)
    return f"{failed[1]}::{failed[2]}" if failed else ""


def main(options: Options) -> None:
    if failed := noticed_by(None):
        sys.exit(f"the tests fail without any error planted: {failed}")
    errors = [error for error in ERRORS if re.search(options.only, error.what)]
    rows = []
    for error in errors:
        rows.append((error, noticed_by(error)))
        print(f"{error.what}: {rows[-1][1] or 'NOT NOTICED'}", flush=True)
    if options.out:
        lines = [f"| {error.what} | `{error.file}` | `{test}` |\n" for error, test in rows]
        options.out.write_text("| planted error | in | noticed by |\n|---|---|---|\n" + "".join(lines))
    if missed := sum(not test for _, test in rows):
        sys.exit(f"{missed} of {len(rows)} errors went unnoticed")


if __name__ == "__main__":
    main(tyro.cli(Options))
