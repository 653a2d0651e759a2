"""The task `match`: features of all pictures, and the matches of pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from vistadream.colmap.child.files import DATABASE
from vistadream.colmap.child.model import Arrays, pinhole
from vistadream.colmap.child.parent import report

_PAIRS_AT_ONCE = 50


def match(folder: Path, request: dict[str, Any]) -> Arrays:
    """Features of all pictures, and those matches of the pairs that fit one rigid scene."""
    (folder / DATABASE).unlink(missing_ok=True)
    with pycolmap.Database.open(folder / DATABASE) as database:
        for i, camera in enumerate(request["cameras"]):
            database.write_camera(pinhole(camera, i + 1), use_camera_id=True)
    for i, camera in enumerate(request["camera_of"]):
        extract(folder, f"{i:05d}.png", camera + 1, request["features"])
        report("features", i + 1, len(request["camera_of"]))
    pairs = request["pairs"]
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        match_pairs(folder, pairs[begin : begin + _PAIRS_AT_ONCE], request["seed"])
        report("matching", min(begin + _PAIRS_AT_ONCE, len(pairs)), len(pairs))
    return read_matches(folder / DATABASE)


def extract(folder: Path, name: str, camera_id: int, most_features: int) -> None:
    """Writes the features of one picture into the database."""
    masked = (folder / "masks" / f"{name}.png").exists()
    reader = pycolmap.ImageReaderOptions(existing_camera_id=camera_id, mask_path=folder / "masks" if masked else "")
    options = pycolmap.FeatureExtractionOptions(num_threads=1, sift={"max_num_features": most_features})
    pycolmap.extract_features(
        folder / DATABASE, folder / "pictures", [name], pycolmap.CameraMode.SINGLE, reader, options,
        device=pycolmap.Device.cpu,
    )  # fmt: skip


def match_pairs(folder: Path, pairs: Iterable[tuple[int, int]], seed: int) -> None:
    (folder / "pairs.txt").write_text("".join(f"{i:05d}.png {j:05d}.png\n" for i, j in pairs))
    options = pycolmap.FeatureMatchingOptions(num_threads=1)
    pairing = pycolmap.ImportedPairingOptions(match_list_path=folder / "pairs.txt")
    verification = pycolmap.TwoViewGeometryOptions(ransac={"random_seed": seed})
    pycolmap.match_image_pairs(folder / DATABASE, options, pairing, verification, pycolmap.Device.cpu)


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
