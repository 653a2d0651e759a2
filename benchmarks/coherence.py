"""Does the scene hold together when the camera moves? Kitchen frames, flights over the photos, seams, selection.

Run: python benchmarks/coherence.py [--photos office.jpg ...] [--only kitchen|photos]
Needs VISTADREAM_TEST_DATA; prints Markdown for docs/benchmarks/coherence.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import kitchen
import numpy as np
import torch
from pipeline import Stopwatch, in_new_process
from torch import Tensor

from vistadream.config import Composed, compose, configured
from vistadream.core import Camera, Scene, silent
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.evaluation.continuity import cycle_error_px, flying, largest_hole
from vistadream.ops.evaluation.metrics import psnr, ssim
from vistadream.ops.holes.preview import hole_ratios
from vistadream.ops.holes.selection import score_poses, select_pose
from vistadream.ops.image.pixels import to_uint8
from vistadream.runs.folder import RunFolder
from vistadream.stages import coarse

RENDERER = configured("backends/render=cpu")

N_POSES = 30
GREY = 0.5
NEAR_PX = 8
"""So far inside the border lie the same surfaces as at it."""


def telea(rgb: Tensor, covered: Tensor) -> Tensor:
    """The warp with its gaps closed by Telea's fast marching (2004)."""
    filled = cv2.inpaint(to_uint8(rgb), (~covered).numpy().astype(np.uint8), 5, cv2.INPAINT_TELEA)
    return torch.from_numpy(filled).float() / 255


def kitchen_pictures(scenes: dict[str, Scene], source: kitchen.Frame, camera: Camera) -> dict[str, Tensor]:
    """What each contender shows at one frame, over mid-grey where it shows nothing."""
    warp, covered = kitchen.forward_warp(source, camera)
    pictures = {"warp": torch.where(covered[..., None], warp, GREY), "warp + Telea": telea(warp, covered)}
    for name, scene in scenes.items():
        with torch.no_grad():
            seen = RENDERER(scene.gaussians, [camera], want=("rgb", "alpha"))[0]
        pictures[name] = torch.where(
            seen.alpha[..., None] < 0.5, seen.rgb + (1 - seen.alpha[..., None]) * GREY, seen.rgb
        )
    return pictures


def score(picture: Tensor, truth: Tensor, mask: Tensor) -> str:
    """PSNR and SSIM over the mask; SSIM windows see the truth outside it."""
    return f"{psnr(picture, truth, mask):.2f} / {ssim(torch.where(mask[..., None], picture, truth), truth, mask):.3f}"


def kitchen_tables(scenes: dict[str, Scene]) -> None:
    """PSNR / SSIM of every contender over the visible (and covered), and over the unseen pixels of each frame.

    Each picture has the gains of its channels that fit its visible pixels best.
    """
    source, targets = kitchen.frames()
    rows: dict[str, list[str]] = {"visible": [], "unseen": []}
    for target in targets:
        covered = kitchen.forward_warp(source, target.camera)[1]
        seen = kitchen.visible_from(target, source) & covered
        pictures = kitchen_pictures(scenes, source, target.camera).values()
        shown = [kitchen.exposed(picture, target.rgb, seen) for picture in pictures]
        for title, mask in (("visible", seen), ("unseen", kitchen.unseen_from(target, source))):
            cells = " | ".join(score(picture, target.rgb, mask) for picture in shown)
            rows[title].append(f"| {target.name} | {float(mask.float().mean()):.2f} | {cells} |")
    head = f"| frame | pixels | warp | warp + Telea | {' | '.join(scenes)} |\n{'|---' * (len(scenes) + 4)}|"
    for title, lines in rows.items():
        print(f"\nKitchen, {title} pixels, PSNR dB / SSIM:\n\n{head}", *lines, sep="\n", flush=True)
    print_holes(scenes, [target.camera for target in targets])


def print_holes(scenes: dict[str, Scene], cameras: list[Camera]) -> None:
    """Share of pixels with an opacity under one half at each kitchen frame."""
    print(f"\nKitchen, holes:\n\n| frame | turned by degrees | {' | '.join(scenes)} |\n{'|---' * (len(scenes) + 2)}|")
    ratios = [hole_ratios(scene.gaussians, cameras, RENDERER) for scene in scenes.values()]
    for name, camera, *shares in zip(kitchen.TARGETS, cameras, *ratios, strict=True):
        print(f"| {name} | {turned_deg(camera):.0f} | {' | '.join(f'{share:.2%}' for share in shares)} |", flush=True)


def turned_deg(camera: Camera) -> float:
    """Angle between the camera's view direction and that of the source frame."""
    return float(torch.rad2deg(camera.cam_from_world[2, 2].clamp(-1, 1).acos()))


def write_path(file: Path) -> None:
    """The cameras of all kitchen frames, for `trajectory=custom`."""
    source, targets = kitchen.frames()
    poses = [{"cam_from_world": f.camera.cam_from_world.tolist()} for f in (source, *targets)]
    file.write_text(json.dumps({"cameras": poses}))


def flight(scene: Scene, path: list[Camera]) -> dict[str, float]:
    """Holes along a path; flying pixels and cycle error of its median depth."""
    with torch.no_grad():
        seen = [RENDERER(scene.gaussians, [camera], want=("z_median", "alpha"))[0] for camera in path]
    depths = [s.z_median for s in seen]
    counts = [(int(f.sum()), int(near.sum())) for f, near in (flying(z, z > 0) for z in depths)]
    errors = torch.cat([cycle_error_px(path[i], depths[i], path[i + 1], depths[i + 1]) for i in range(len(path) - 1)])
    return {
        "holes": float(np.mean([float((s.alpha < 0.5).float().mean()) for s in seen])),
        "worst": max(float((s.alpha < 0.5).float().mean()) for s in seen),
        "largest": max(largest_hole(s.alpha) for s in seen),
        "flying": sum(f for f, _ in counts) / max(1, sum(n for _, n in counts)),
        "cycle_mean_px": float(errors.mean()),
        "cycle_p90_px": float(errors.kthvalue(round(0.9 * len(errors))).values),
    }


def seam(scene: Scene) -> dict[tuple[str, str], float]:
    """Median steps at the photo's border, a little inside it, in all of it: of colour, and of depth beyond its slope.

    The step of depth is the second difference of disparity over the disparity: it vanishes on every plane, whose
    depth changes from pixel to pixel without any seam.
    """
    photo, canvas = scene.view("input"), scene.views[1]
    left, top = round(canvas.camera.cx - photo.camera.cx), round(canvas.camera.cy - photo.camera.cy)
    with torch.no_grad():
        seen = RENDERER(scene.gaussians, [canvas.camera])[0]
    disparity, rgb = 1 / seen.z, seen.rgb.unbind(-1)
    found: dict[tuple[str, str], float] = {}
    for name, order, channels in (("colour", 1, rgb), ("depth", 2, (disparity,))):
        steps: dict[str, list[Tensor]] = {"border": [], "near": [], "inside": []}
        for values in channels:
            for picture, start, size, window in (
                (values, top, photo.camera.height, slice(left, left + photo.camera.width)),
                (values.T, left, photo.camera.width, slice(top, top + photo.camera.height)),
            ):
                step = picture.diff(n=order, dim=0).abs() / (picture[1:-1] if order == 2 else 1)
                rows = torch.tensor([k - i for k in (start, start + size) for i in range(1, order + 1)])
                inwards = NEAR_PX * torch.tensor([1] * order + [-1] * order)
                steps["border"].append(step[rows, window].flatten())
                steps["near"].append(step[rows + inwards, window].flatten())
                steps["inside"].append(step[start : start + size - order, window].flatten())
        found |= {(name, where): float(torch.cat(parts).median()) for where, parts in steps.items()}
    return found


def flights_table(runs: dict[str, RunFolder]) -> None:
    """One row a photo and stage."""
    print("\nAlong the default trajectory:\n")
    print(
        "| photo | after | holes mean | worst frame | largest hole | flying | cycle px mean | p90 |\n"
        + "|---" * 8
        + "|"
    )
    for photo, folder in runs.items():
        for stage, word in (("initialize", "outpaint"), ("coarse", "coarse")):
            scene = folder.load_stage(stage)
            f = flight(scene, flight_path(scene, N_POSES))
            print(
                f"| {photo} | {word} | {f['holes']:.3%} | {f['worst']:.3%} | {f['largest']:.3%} | {f['flying']:.2%} "
                f"| {f['cycle_mean_px']:.3f} | {f['cycle_p90_px']:.3f} |",
                flush=True,
            )


def seams_table(runs: dict[str, RunFolder]) -> None:
    """Steps across the photo's border beside those inside it."""
    print("\nAcross the photo's border (median step to the next pixel; of depth, relative and beyond the slope):\n")
    print(f"| photo | colour: at the border | {NEAR_PX} px inside | all | depth: at it | {NEAR_PX} px inside | all |")
    print("|---" * 7 + "|")
    for photo, folder in runs.items():
        steps = seam(folder.load_stage("coarse"))
        colour, depth = ([steps[name, where] for where in ("border", "near", "inside")] for name in ("colour", "depth"))
        cells = [f"{step:.4f}" for step in colour] + [f"{step:.5f}" for step in depth]
        print(f"| {photo} | {' | '.join(cells)} |")


def selection_row(photo: str, scene: Scene) -> None:
    """100 poses scored small beside the same poses scored full-size, and what four full frames cost."""
    path, rule = flight_path(scene, 100), composed().build("stages.coarse").rule
    quick_s, quick = least_cpu_seconds(lambda: score_poses(scene.gaussians, path, RENDERER, [], rule))
    four = path[:: len(path) // 4][:4]
    four_s, _ = least_cpu_seconds(lambda: [RENDERER(scene.gaussians, [camera]) for camera in four])
    full = hole_ratios(scene.gaussians, path, RENDERER)
    picks = [select_pose(ratios, [], rule).pose for ratios in (quick, full)]
    holes = " | ".join("-" if pose is None else f"{pose}: {full[pose]:.3%}" for pose in picks)
    print(f"| {photo} | {quick_s:.2f} | {four_s:.2f} | {quick_s / four_s:.2f} | {holes} |", flush=True)


@torch.no_grad()
def least_cpu_seconds(work: Callable[[], Any], times: int = 5) -> tuple[float, Any]:
    """The least processor time of several runs, and what the last one gave."""
    seconds = []
    for _ in range(times):
        begun = time.process_time()
        made = work()
        seconds.append(time.process_time() - begun)
    return min(seconds), made


def coarse_row(photo: str, scene: Scene) -> None:
    """Seconds of the coarse stage for each View it adds, and the share of them spent in choosing poses."""
    stage, clock = composed().build("stages.coarse"), Stopwatch()
    before = time.perf_counter()
    with mock.patch.object(coarse, "score_poses", clock.wrap(coarse.score_poses)):
        made = stage(scene, silent)
    seconds, added = time.perf_counter() - before, len(made.views) - len(scene.views)
    each = f"{seconds / added:.1f}" if added else "-"
    print(f"| {photo} | {added} | {seconds:.1f} | {each} | {clock.seconds / seconds:.1%} |", flush=True)


def composed() -> Composed:
    """The default configuration."""
    return compose([])


def flight_path(scene: Scene, n: int) -> list[Camera]:
    """The default trajectory."""
    return keep_clear(composed().build("trajectory"), scene, n).cameras


def finished(words: list[str]) -> RunFolder:
    """The folder of a run made in a process of its own."""
    return RunFolder(Path(in_new_process([*words, "rerun.mode=off", "export=[ply,metrics,report]"])["folder"]))


def kitchen_part(out: Path) -> None:
    write_path(out / "path.json")
    path = ["trajectory=custom", f"trajectory.path={out / 'path.json'}"]
    bare, whole, usual = (
        finished([*kitchen.words(stage, 640), *words, f"out={out / name}"])
        for name, stage, words in (("bare", "no-outpaint", path), ("path", "fine", path), ("default", "fine", []))
    )
    scenes = {"no-outpaint": bare.load_stage("initialize")}
    for name, run in (("", whole), ("default ", usual)):
        scenes |= {f"{name}coarse": run.load_stage("coarse"), f"{name}fine": run.load_stage("refine")}
    kitchen_tables(scenes)


def photos_part(photos: list[str], out: Path) -> None:
    folder = kitchen.data_folder() / "photos"
    runs = {photo: finished([f"image={folder / photo}", "stage=coarse", f"out={out}"]) for photo in photos}
    flights_table(runs)
    seams_table(runs)
    print(
        "\n100 poses scored, CPU seconds, beside four full frames; the pose chosen (and its hole at full size), beside"
    )
    print("the choice of full-size scoring:\n")
    print("| photo | 100 scored | 4 frames | ratio | chosen | by full size |\n" + "|---" * 6 + "|")
    for photo, run in runs.items():
        selection_row(photo, run.load_stage("initialize"))
    print("\nThe coarse stage:\n\n| photo | views | seconds | each | choosing poses |\n" + "|---" * 5 + "|")
    for photo, run in runs.items():
        coarse_row(photo, run.load_stage("initialize"))


def main() -> None:
    """Prints all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photos", nargs="*", default=sorted(p.name for p in (kitchen.data_folder() / "photos").iterdir())
    )
    parser.add_argument("--only", choices=("kitchen", "photos"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        if arguments.only != "photos":
            kitchen_part(Path(out))
        if arguments.only != "kitchen":
            photos_part(arguments.photos, Path(out))


if __name__ == "__main__":
    main()
