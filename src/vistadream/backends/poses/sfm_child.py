"""COLMAP's part of registration, in a process of its own: `python -m vistadream.backends.poses.sfm_child REQUEST`.

Nothing imports this module: pycolmap damages the memory of a process that loads OpenCV or Pillow after it, and takes
over the signals. It reads the request, a JSON file in a folder with pictures/, and writes the arrays of its task to
result.npz there. Each line of its standard output is one report of progress: [what, done, total].
Everything runs in one thread, since pycolmap's results change from run to run with more.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

Arrays = dict[str, Any]
_PAIRS_AT_ONCE = 50
_CAUCHY_PX = 0.25
"""Errors well above this count little in the bundle adjustment."""
_RAY_ERROR_DEG = 0.5
_MOST_ERROR_PX = 2.0
_GOOD_PX = 1.0
"""Observations with a larger error are dropped once the cameras were adjusted to their pictures."""
_LEAST_ANGLE_DEG = 1.5
_SAME_SUPPORT = 0.98
_REFINING_ROUNDS = 3
_KNOWN_FOCAL_SUPPORT, _GUESSED_FOCAL_SUPPORT = 0.95, 0.992
"""The share of support from which on a known, or a guessed, focal length is believed rather than the fitted one."""
_NO_WORSE = 0.95
"""The share of the best model's support that a model with these focal lengths must have."""
_PR_SET_PDEATHSIG = 1


def main(file: Path) -> None:
    """Runs the task of a request."""
    request = json.loads(file.read_text(encoding="utf-8"))
    end_with_parent(request["parent"])
    pycolmap.logging.minloglevel = 2
    pycolmap.set_random_seed(request["seed"])
    task = {"match": match, "map": find_cameras, "triangulate": triangulate}[request["task"]]
    np.savez(file.parent / "result.npz", **task(file.parent, request))


def end_with_parent(parent: int) -> None:
    """From now on this process ends when its parent does, even when that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_end_with_input, daemon=True).start()


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when the other end is closed; a buffered reader would lock at exit
    os._exit(1)


def report(what: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps([what, done, total]) + "\n")
    sys.stdout.flush()


def match(folder: Path, request: dict[str, Any]) -> Arrays:
    """Features of all pictures, and those matches of the pairs that fit one rigid scene."""
    with pycolmap.Database.open(folder / "matches.db") as database:
        for i, camera in enumerate(request["cameras"]):
            database.write_camera(pinhole(camera, i + 1), use_camera_id=True)
    for i, camera in enumerate(request["camera_of"]):
        extract(folder, f"{i:05d}.png", camera + 1, request["features"])
        report("features", i + 1, len(request["camera_of"]))
    pairs = request["pairs"]
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        match_pairs(folder, pairs[begin : begin + _PAIRS_AT_ONCE], request["seed"])
        report("matching", min(begin + _PAIRS_AT_ONCE, len(pairs)), len(pairs))
    return read_matches(folder / "matches.db")


def pinhole(camera: dict[str, Any], camera_id: int) -> pycolmap.Camera:
    """COLMAP's camera with one focal length, or with two where the pixels are not square."""
    fx, fy, cx, cy = (camera[key] for key in ("fx", "fy", "cx", "cy"))
    model, focal_px = ("SIMPLE_PINHOLE", [fx]) if fx == fy else ("PINHOLE", [fx, fy])
    size = {"width": camera["width"], "height": camera["height"]}
    params = [*focal_px, cx, cy]
    return pycolmap.Camera(
        camera_id=camera_id, model=model, **size, params=params, has_prior_focal_length=camera["known"]
    )


def extract(folder: Path, name: str, camera_id: int, most_features: int) -> None:
    """Writes the features of one picture into the database."""
    masked = (folder / "masks" / f"{name}.png").exists()
    reader = pycolmap.ImageReaderOptions(existing_camera_id=camera_id, mask_path=folder / "masks" if masked else "")
    options = pycolmap.FeatureExtractionOptions(num_threads=1, sift={"max_num_features": most_features})
    pycolmap.extract_features(
        folder / "matches.db", folder / "pictures", [name], pycolmap.CameraMode.SINGLE, reader, options,
        device=pycolmap.Device.cpu,
    )  # fmt: skip


def match_pairs(folder: Path, pairs: Iterable[tuple[int, int]], seed: int) -> None:
    (folder / "pairs.txt").write_text("".join(f"{i:05d}.png {j:05d}.png\n" for i, j in pairs))
    options = pycolmap.FeatureMatchingOptions(num_threads=1)
    pairing = pycolmap.ImportedPairingOptions(match_list_path=folder / "pairs.txt")
    verification = pycolmap.TwoViewGeometryOptions(ransac={"random_seed": seed})
    pycolmap.match_image_pairs(folder / "matches.db", options, pairing, verification, pycolmap.Device.cpu)


def read_matches(file: Path) -> Arrays:
    """`features` of each picture; `pairs` "p 2" of pictures, `counts` "p" and their matches `px1`, `px2` "m 2"."""
    with pycolmap.Database.open(file) as database:
        images = {image.image_id: int(image.name[:5]) for image in database.read_all_images()}
        keypoints = {i: database.read_keypoints(i)[:, :2] for i in images}
        found = {}
        for pair_id, geometry in zip(*database.read_two_view_geometries(), strict=True):
            first, second = pycolmap.pair_id_to_image_pair(pair_id)
            found[images[first], images[second]] = (first, second, geometry.inlier_matches)
    kept = {pair: value for pair, value in sorted(found.items()) if len(value[2])}
    px1 = [keypoints[first][matches[:, 0]] for first, _, matches in kept.values()]
    px2 = [keypoints[second][matches[:, 1]] for _, second, matches in kept.values()]
    return {
        "features": np.array([len(keypoints[i]) for i in sorted(images, key=images.__getitem__)]),
        "pairs": np.array(list(kept), dtype=np.int64).reshape(-1, 2),
        "counts": np.array([len(px) for px in px1], dtype=np.int64),
        "px1": np.concatenate([np.zeros((0, 2)), *px1]),
        "px2": np.concatenate([np.zeros((0, 2)), *px2]),
    }


def find_cameras(folder: Path, request: dict[str, Any]) -> Arrays:
    """The best model of several starts: most pictures, then the largest support.

    Starts are left out once two have registered every picture with nearly the same support.
    """
    best: tuple[int, pycolmap.Reconstruction] | None = None
    scores: list[list[float]] = []
    total = len(request["starts"])
    for i, start in enumerate(request["starts"]):
        model = map_from(folder, start, request["seed"])
        scores.append([0, 0, 0, 0] if model is None else score(model))
        if model is not None and (best is None or rank(scores[i]) > rank(scores[best[0]])):
            best = i, model
        report("mapping", i + 1, total)
        if agree(scores, request["pictures"]):
            report("mapping", total, total)
            break
    if best is None:
        return {"scores": np.array(scores)}
    model, kept = settled(folder, polished(folder, best[1], request["seed"]), request)
    return {"scores": np.array(scores), "best": best[0]} | kept | read_model(model)


def rank(scored: list[float]) -> tuple[float, float]:
    return scored[0], round(scored[3])


def by_rank(model: pycolmap.Reconstruction) -> tuple[float, float]:
    return rank(score(model))


def agree(scores: list[list[float]], pictures: int) -> bool:
    """Whether the two best models have all pictures and nearly the same support."""
    best = sorted(scores, key=rank)[-2:]
    return len(best) == 2 and best[0][0] == pictures and best[0][3] >= _SAME_SUPPORT * best[1][3]


def score(model: pycolmap.Reconstruction) -> list[float]:
    """Registered pictures, points, their mean reprojection error in pixels, and the support at 1 px."""
    error_px = model.compute_mean_reprojection_error()
    return [model.num_reg_images(), model.num_points3D(), error_px, support(model, 1.0)]


def support(model: pycolmap.Reconstruction, scale_px: float) -> float:
    """The number of observations, each counted less the closer it comes to an error of `scale_px`.

    Unlike the mean error, it does not prefer a model that explains fewer observations.
    """
    return float(np.maximum(0, 1 - (reprojection_errors(model) / scale_px) ** 2).sum())


def reprojection_errors(model: pycolmap.Reconstruction) -> np.ndarray:
    """The error of each observation in pixels."""
    found = read_model(model)
    pose, K = found["cam_from_world"][found["view_of"]], found["K"][found["view_of"]]
    cam = np.einsum("nij,nj->ni", pose[:, :, :3], found["xyz"][found["point_of"]]) + pose[:, :, 3]
    image = np.einsum("nij,nj->ni", K, cam)
    return np.hypot(*(image[:, :2] / image[:, 2:] - found["px"]).T)


def map_from(
    folder: Path, start: dict[str, Any], seed: int, constant_cameras: Sequence[int] = ()
) -> pycolmap.Reconstruction | None:
    """The largest model that grows from the focal lengths of a start; None when nothing registers."""
    database = folder / "start.db"
    shutil.copy(folder / "matches.db", database)
    with pycolmap.Database.open(database) as opened:
        for i, camera in enumerate(start["cameras"]):
            opened.update_camera(pinhole(camera, i + 1))
    if start["calibrate"] and not take_calibrated_focal(database, seed):
        return None
    options = pipeline(seed, constant_cameras)
    models = pycolmap.incremental_mapping(database, folder / "pictures", fresh(folder / "models"), options)
    if not models:
        return None
    model = max(models.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()))
    adjust(model, constant_cameras)
    return model


def take_calibrated_focal(database: Path, seed: int) -> bool:
    """Sets focal lengths that agree with the matches of all pairs; False when there are none.

    The matches stay as they are: the calibration would drop those that it does not trust.
    """
    copy = database.with_name("calibration.db")
    shutil.copy(database, copy)
    if not pycolmap.calibrate_view_graph(copy, pycolmap.ViewGraphCalibrationOptions(random_seed=seed)):
        return False
    with pycolmap.Database.open(copy) as calibrated, pycolmap.Database.open(database) as opened:
        for camera in calibrated.read_all_cameras():
            opened.update_camera(camera)
    return True


def polished(
    folder: Path, model: pycolmap.Reconstruction, seed: int, constant_cameras: Sequence[int] = ()
) -> pycolmap.Reconstruction:
    """The model with all points that its cameras can see well, adjusted to these."""
    model = triangulated(folder, model, seed)
    adjust(model, constant_cameras)
    drop_outliers(model, _GOOD_PX)
    adjust(model, constant_cameras)
    return model


def triangulated(folder: Path, model: pycolmap.Reconstruction, seed: int) -> pycolmap.Reconstruction:
    """The model with new points."""
    options = pipeline(
        seed,
        create_max_angle_error=_RAY_ERROR_DEG,
        continue_max_angle_error=_RAY_ERROR_DEG,
        merge_max_reproj_error=_MOST_ERROR_PX,
        complete_max_reproj_error=_MOST_ERROR_PX,
    )
    models = fresh(folder / "models")
    return pycolmap.triangulate_points(model, folder / "matches.db", folder / "pictures", models, options=options)


def settled(
    folder: Path, model: pycolmap.Reconstruction, request: dict[str, Any]
) -> tuple[pycolmap.Reconstruction, dict[str, bool]]:
    """The model with its known focal lengths if the pictures agree, or with the guess if they leave it open.

    Whether they agree is seen from how much support is gained when the focal lengths are set free. The flags say
    whether the known ones were kept, and whether the guess was.
    """
    cameras = request["cameras"]
    known = [i + 1 for i, camera in enumerate(cameras) if camera["known"] and i + 1 in model.cameras]
    constant = known or sorted(model.cameras)
    candidates = [with_focal(model, cameras, constant)]
    start = {"cameras": cameras, "calibrate": False}
    if request["map_again"] and (again := map_from(folder, start, request["seed"], constant)) is not None:
        candidates.append(polished(folder, again, request["seed"], constant))
    held = max(candidates, key=by_rank)
    freed = pycolmap.Reconstruction(held)
    adjust(freed)
    enough = _KNOWN_FOCAL_SUPPORT if known else _GUESSED_FOCAL_SUPPORT
    scale_px = 2 * float(np.median(reprojection_errors(freed)))
    as_good = rank(score(held)) >= (model.num_reg_images(), _NO_WORSE * score(model)[3])
    keep = as_good and support(held, scale_px) >= enough * support(freed, scale_px)
    better = rank(score(freed)) > (model.num_reg_images(), score(model)[3] / _NO_WORSE)
    return held if keep else freed if better else model, {
        "known_kept": keep and bool(known),
        "guess_kept": keep and not known,
    }


def with_focal(
    model: pycolmap.Reconstruction, cameras: list[dict[str, Any]], camera_ids: list[int]
) -> pycolmap.Reconstruction:
    """A copy of the model, adjusted to these focal lengths of some of its cameras."""
    held = pycolmap.Reconstruction(model)
    for camera_id in camera_ids:
        held.cameras[camera_id] = pinhole(cameras[camera_id - 1], camera_id)
    adjust(held, camera_ids)
    return held


def pipeline(
    seed: int, constant_cameras: Sequence[int] = (), **triangulation: Any
) -> pycolmap.IncrementalPipelineOptions:
    """Options for few photos: points count that only two of them see, and so do small angles and few matches."""
    few = {"init_min_tri_angle": 4.0, "init_min_num_inliers": 30, "abs_pose_min_num_inliers": 15}
    return pycolmap.IncrementalPipelineOptions(
        num_threads=1,
        random_seed=seed,
        min_model_size=2,
        constant_cameras=set(constant_cameras),
        mapper={"num_threads": 1, "random_seed": seed, **few},
        triangulation={"random_seed": seed, "ignore_two_view_tracks": False, **triangulation},
    )


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def adjust(model: pycolmap.Reconstruction, constant_cameras: Sequence[int] = ()) -> None:
    """Bundle adjustment of everything, in which wrong matches count little.

    COLMAP's own minimizes squares, whose few large errors pull the focal length away.
    """
    loss = {"loss_function_type": pycolmap.LossFunctionType.CAUCHY, "loss_function_scale": _CAUCHY_PX}
    options = pycolmap.BundleAdjustmentOptions(
        print_summary=False, ceres={**loss, "solver_options": {"num_threads": 1}}
    )
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in model.reg_image_ids():
        config.add_image(image_id)
    for camera_id in constant_cameras:
        config.set_constant_cam_intrinsics(camera_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(options, config, model).solve()
    model.update_point_3d_errors()


def drop_outliers(model: pycolmap.Reconstruction, most_error_px: float) -> None:
    """Removes observations that miss their points, and points at which the rays nearly run side by side."""
    pycolmap.ObservationManager(model).filter_all_points3D(most_error_px, _LEAST_ANGLE_DEG)
    model.update_point_3d_errors()


def triangulate(folder: Path, request: dict[str, Any]) -> Arrays:
    """Points from cameras whose poses are known; with `refine` the poses, and unknown lenses, are adjusted too."""
    rounds = _REFINING_ROUNDS if request["refine"] else 1
    known = [i + 1 for i, camera in enumerate(request["cameras"]) if camera["known"]]
    model = posed_model(folder, request)
    for i in range(rounds):
        model = triangulated(folder, model, request["seed"])
        if request["refine"] and model.num_points3D():
            adjust(model, known)
        report("triangulation", i + 1, rounds)
    drop_outliers(model, _GOOD_PX if request["refine"] else _MOST_ERROR_PX)
    return {"scores": np.array([score(model)]), "best": 0} | read_model(model)


def posed_model(folder: Path, request: dict[str, Any]) -> pycolmap.Reconstruction:
    """A model of the posed pictures, with the identities that the database gave them."""
    model = pycolmap.Reconstruction()
    for i, camera in enumerate(request["cameras"]):
        model.add_camera_with_trivial_rig(pinhole(camera, i + 1))
    with pycolmap.Database.open(folder / "matches.db") as database:
        for image in database.read_all_images():
            pose = request["cam_from_world"][int(image.name[:5])]
            if pose is not None:
                model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.array(pose)[:3]))
    return model


def read_model(model: pycolmap.Reconstruction) -> Arrays:
    """Registered pictures `images` "n" with `K` and `cam_from_world` "n 3 4"; points with their tracks."""
    images = sorted((model.image(i) for i in model.reg_image_ids()), key=lambda image: image.name)
    points = [model.point3D(i) for i in sorted(model.point3D_ids())]
    seen = [(n, e.image_id, e.point2D_idx) for n, p in enumerate(points) for e in p.track.elements]
    number = {image.image_id: n for n, image in enumerate(images)}
    return {
        "images": np.array([int(image.name[:5]) for image in images], dtype=np.int64),
        "K": np.array([model.camera(image.camera_id).calibration_matrix() for image in images]).reshape(-1, 3, 3),
        "cam_from_world": np.array([image.cam_from_world().matrix() for image in images]).reshape(-1, 3, 4),
        "xyz": np.array([p.xyz for p in points]).reshape(-1, 3),
        "rgb": np.array([p.color for p in points], dtype=np.uint8).reshape(-1, 3),
        "error_px": np.array([p.error for p in points], dtype=np.float64),
        "point_of": np.array([n for n, _, _ in seen], dtype=np.int64),
        "view_of": np.array([number[i] for _, i, _ in seen], dtype=np.int64),
        "px": np.array([model.image(i).points2D[k].xy for _, i, k in seen]).reshape(-1, 2),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
