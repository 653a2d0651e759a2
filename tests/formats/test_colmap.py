"""Our reader and COLMAP's own agree on every model that both read, and each reads what the other writes."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.core import UserError
from vistadream.formats.colmap import (
    MODELS,
    ColmapCamera,
    ColmapImage,
    ColmapPoints,
    read_cameras,
    read_images,
    read_points,
    suffix_of,
    write_model,
)

Model = tuple[dict[int, ColmapCamera], dict[int, ColmapImage], ColmapPoints]
SUFFIXES = pytest.mark.parametrize("suffix", [".txt", ".bin"])


@pytest.fixture(scope="module")
def pycolmap():
    module = pytest.importorskip("pycolmap", reason="pycolmap is COLMAP's own reader")
    module.logging.minloglevel = 4
    return module


def a_model(seed: int = 0, n_images: int = 4, n_points: int = 6) -> Model:
    """A camera of each kind, images with and without 2D points, and points that the images see."""
    g = np.random.default_rng(seed)
    cameras = {
        i + 3: ColmapCamera(i + 3, name, 640 + i, 480, tuple(g.normal(size=len(words.split())) * 1e3))
        for i, (name, (_, words)) in enumerate(MODELS.items())
    }
    images = {}
    for i in range(n_images):
        quat = g.normal(size=4)
        seen = n_points if i % 2 else 0
        w, x, y, z = (quat / np.linalg.norm(quat)).tolist()
        tx, ty, tz = g.normal(size=3).tolist()
        ids = np.array([k + 1 if k % 3 else -1 for k in range(seen)], dtype=np.int64)
        images[7 * i + 1] = ColmapImage(
            7 * i + 1, (w, x, y, z), (tx, ty, tz), 3 + i % len(cameras), f"room/é{i}.png", g.normal(size=(seen, 2)), ids
        )
    tracks = [
        np.array([(key, k) for key, image in images.items() if k < len(image.point_ids) and k % 3], dtype=np.int64)
        for k in range(n_points)
    ]
    points = ColmapPoints(
        np.arange(1, n_points + 1),
        g.normal(size=(n_points, 3)),
        g.integers(0, 256, (n_points, 3)).astype(np.uint8),
        g.random(n_points),
        tuple(track.reshape(-1, 2) for track in tracks),
    )
    return cameras, images, points


def write(folder: Path, model: Model, suffix: str = ".txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cameras, images, points = model
    write_model(folder, cameras.values(), images.values(), points, suffix)
    return folder


def read(folder: Path) -> Model:
    return read_cameras(folder), read_images(folder), read_points(folder)


def told(model: Model) -> tuple:
    """All that a model holds, as plain values in the order of the ids."""
    cameras, images, points = model
    return (
        [cameras[key] for key in sorted(cameras)],
        [
            (i.image_id, i.quat_wxyz, i.translation, i.camera_id, i.name, i.points_px.tolist(), i.point_ids.tolist())
            for _, i in sorted(images.items())
        ],
        sorted(
            (key, xyz, rgb, error, track.tolist())
            for key, xyz, rgb, error, track in zip(
                points.ids.tolist(),
                points.xyz.tolist(),
                points.rgb.tolist(),
                points.error_px.tolist(),
                points.tracks,
                strict=True,
            )
        ),
    )


def told_by(pycolmap, folder: Path) -> tuple:
    """The same of what COLMAP reads; ValueError and others where it refuses."""
    model = pycolmap.Reconstruction()
    model.read(folder)
    images = []
    for key, image in sorted(model.images.items()):
        pose = image.cam_from_world()
        x, y, z, w = pose.rotation.quat.tolist()
        ids = [p.point3D_id if p.has_point3D() else -1 for p in image.points2D]
        xy = [p.xy.tolist() for p in image.points2D]
        images.append((key, (w, x, y, z), tuple(pose.translation.tolist()), image.camera_id, image.name, xy, ids))
    return (
        [
            ColmapCamera(key, c.model.name, c.width, c.height, tuple(c.params.tolist()))
            for key, c in sorted(model.cameras.items())
        ],
        images,
        sorted(
            (key, p.xyz.tolist(), p.color.tolist(), p.error, [[e.image_id, e.point2D_idx] for e in p.track.elements])
            for key, p in model.points3D.items()
        ),
    )


@SUFFIXES
def test_what_is_written_comes_back_to_the_last_bit(suffix: str, tmp_path: Path) -> None:
    model = a_model()
    assert told(read(write(tmp_path, model, suffix))) == told(model)


@SUFFIXES
def test_colmap_reads_what_we_write(pycolmap, suffix: str, tmp_path: Path) -> None:
    model = a_model()
    assert told_by(pycolmap, write(tmp_path, model, suffix)) == told(model)


@SUFFIXES
def test_we_read_what_colmap_writes(pycolmap, suffix: str, tmp_path: Path) -> None:
    """With its files of rigs and frames, which are passed over."""
    model = pycolmap.Reconstruction()
    model.read(write(tmp_path / "ours", a_model()))
    (tmp_path / "theirs").mkdir()
    (model.write_text if suffix == ".txt" else model.write_binary)(tmp_path / "theirs")
    assert (tmp_path / "theirs" / f"rigs{suffix}").is_file()
    assert told(read(tmp_path / "theirs")) == told_by(pycolmap, tmp_path / "theirs")


def test_the_table_of_models_is_colmaps(pycolmap) -> None:
    for name, (number, words) in MODELS.items():
        camera = pycolmap.Camera.create_from_model_name(1, name, 100.0, 640, 480)
        assert (int(camera.model), len(camera.params)) == (number, len(words.split())), name
    known = {name for name in pycolmap.CameraModelId.__members__ if name != "INVALID"}
    assert known == set(MODELS)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "white space at the ends of lines": lambda text: text.replace(b"\n", b" \t\n"),
    "indented": lambda text: b"\n".join(b"  " + line for line in text.split(b"\n")),
    "tabs and many blanks": lambda text: text.replace(b" ", b" \t  "),
    "a form feed": lambda text: text.replace(b" ", b"\f"),
    "blank lines in front": lambda text: b"\n \n\n" + text,
    "comments in front": lambda text: b"# caf\xe9\n#\n  # more\n" + text,
    "no line break at the end": lambda text: text.removesuffix(b"\n"),
    "blank lines at the end": lambda text: text + b"\n\n  \n",
}


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_layouts_that_colmap_reads_are_read_alike(pycolmap, change, name: str, tmp_path: Path) -> None:
    file = write(tmp_path, a_model()) / name
    file.write_bytes(change(file.read_bytes()))
    assert told(read(tmp_path)) == told_by(pycolmap, tmp_path) == told(a_model())


def images(*lines: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        (folder / "images.txt").write_text("\n".join([*lines, ""]))
        (folder / "cameras.txt").write_text("1 PINHOLE 128 96 100 100 64 48\n")
        (folder / "points3D.txt").write_text("")
        return folder

    return made


A, B = ("1 1 0 0 0 0 0 0 1 a.png", "2 1 0 0 0 0 0 0 1 b.png")


@pytest.mark.parametrize(
    "make",
    [
        images(A, "", B, ""),
        images("", "#", A, "", "", " ", "# b", B, "", ""),
        images(A, "# no points", B, "#"),
        images(A, "1.5 2 -1 3 4 -1", B, "  "),
        images("1 2 0 0 0 0 0 0 1 a.png", "", B, ""),
        images(A, "", "2 1 0 0 0 0 0 0 1 a.png", ""),
        images("1 1e0 0. .0 -0 0 +1.5 0 1 #a", "", B, ""),
    ],
)
def test_the_lines_of_images_are_paired_as_colmap_does(pycolmap, make, tmp_path: Path) -> None:
    assert told(read(make(tmp_path))) == told_by(pycolmap, tmp_path)
    assert len(read_images(tmp_path)) == 2


def test_more_is_kept_than_colmap_keeps(tmp_path: Path) -> None:
    images("1 1 0 0 0 0 0 0 1 a  b.png", "", B)(tmp_path)
    (tmp_path / "images.txt").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "images.txt").read_bytes().rstrip())
    assert [image.name for image in read_images(tmp_path).values()] == ["a  b.png", "b.png"]


REFUSED = {
    "no lines of points": (
        images(A, B),
        "images.txt: line 1: its line of 2D points is missing",
    ),
    "no lines of points, names of digits": (
        images(A, "2 1 0 0 0 0 0 0 1 0002", A),
        "the next line holds 10 words",
    ),
    "a half point": (images(A, "1.5 2 -1 3", B, ""), "the next line holds 4 words"),
    "a point's id": (images(A, "1.5 2 2.5", B, ""), "POINT3D_ID is '2.5'"),
    "no name": (images("1 1 0 0 0 0 0 0 1", ""), "line 1: got 9 words"),
    "no number": (images("1 1x 0 0 0 0 0 0 1 a", ""), "line 1: could not convert"),
    "an underscore": (images("1 1_0 0 0 0 0 0 0 1 a", ""), "line 1: got '1_0 0"),
    "not finite": (images("1 nan 0 0 0 0 0 0 1 a", ""), "line 1: got nan .* finite"),
    "400 digits": (images(f"1 {'9' * 400} 0 0 0 0 0 0 1 a", ""), "line 1: got inf .* finite"),
    "an id of 400 digits": (images(f"{'9' * 400} 1 0 0 0 0 0 0 1 a", ""), "line 1: IMAGE_ID is '999"),
    "an id twice": (images(A, "", A, ""), "line 3: id 1 occurs again"),
    "a negative id": (images("-1 1 0 0 0 0 0 0 1 a", ""), "line 1: IMAGE_ID is '-1'"),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_loses_data_is_refused_with_file_and_line(make, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_images(make(tmp_path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 PINHOLE 128 96 100 100 64", r"cameras.txt: line 2: got 3 parameters; wanted 4 for PINHOLE: fx fy cx cy"),
        ("1 PINHOLE 128 96 100 100 64 48 0", "got 5 parameters; wanted 4"),
        ("1 pinhole 128 96 100 100 64 48", "the camera model is 'pinhole'; wanted one of SIMPLE_PINHOLE, PINHOLE"),
        ("1 PINHOLE 128.5 96 100 100 64 48", "WIDTH is '128.5'"),
        ("1 PINHOLE", "got 2 words"),
    ],
)
def test_a_camera_is_refused_as_by_colmap(pycolmap, line: str, message: str, tmp_path: Path) -> None:
    (images(A, "")(tmp_path) / "cameras.txt").write_text(f"# one\n{line}\n")
    with pytest.raises(UserError, match=message):
        read_cameras(tmp_path)
    with pytest.raises((ValueError, IndexError)):
        told_by(pycolmap, tmp_path)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_model_is_read_as_by_colmap_or_refused(pycolmap, data, tmp_path_factory) -> None:
    """One word or line of a text model removed, doubled or replaced."""
    folder = write(tmp_path_factory.mktemp("model"), a_model(n_images=3, n_points=3))
    file = folder / data.draw(st.sampled_from(["cameras.txt", "images.txt"]))
    lines = file.read_bytes().split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 2))
    if data.draw(st.booleans()):
        by = data.draw(st.sampled_from([[], [lines[at]] * 2, [b""], [b"# x", lines[at]], [b"", lines[at]]]))
        lines[at : at + 1] = by
    elif words := lines[at].split(b" "):
        word = data.draw(st.integers(0, len(words) - 1))
        words[word : word + 1] = data.draw(
            st.sampled_from([[], [words[word]] * 2, [b"7"], [b"x"], [b"-1"], [b"1e3"], [b""]])
        )
        lines[at] = b" ".join(words)
    file.write_bytes(b"\n".join(lines))
    try:
        ours = told(read(folder))
        theirs = told_by(pycolmap, folder)
    except (UserError, ValueError, IndexError):
        return
    assert ours[0] == theirs[0]
    seen = [(*image[:4], image[4].split()[0], image[5]) for image in ours[1]]  # COLMAP takes a name's first word
    wanted = [image[:6] for image in theirs[1]]  # and the ids of 2D points from the tracks
    assert [image for image in seen if image in wanted] == wanted
    assert len(seen) - len(wanted) in (0, 1), "COLMAP drops an image at the end without a line of 2D points"


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_no_binary_file_that_is_cut_or_too_long_is_read(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, a_model(n_points=3), ".bin") / name
    good = file.read_bytes()
    for length in range(0, len(good), 7):
        file.write_bytes(good[:length])
        with pytest.raises(UserError, match=rf"{name}: .* wanted a whole file"):
            read(tmp_path)
    file.write_bytes(good + b"\0")
    with pytest.raises(UserError, match="1 bytes follow the last entry"):
        read(tmp_path)


def test_a_binary_file_of_unknown_models_or_not_of_numbers_is_refused(tmp_path: Path) -> None:
    write(tmp_path, a_model(), ".bin")
    (tmp_path / "cameras.bin").write_bytes(struct.pack("<QIiQQ", 1, 1, 99, 640, 480))
    with pytest.raises(UserError, match="camera 1 has the model 99"):
        read_cameras(tmp_path)
    (tmp_path / "images.bin").write_bytes(struct.pack("<QI7dI", 1, 1, float("nan"), *[0] * 6, 1))
    with pytest.raises(UserError, match=r"images.bin: got nan .* finite"):
        read_images(tmp_path)


def test_a_binary_model_is_preferred_when_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path, a_model(), ".txt")
    (tmp_path / "images.bin").touch()
    assert suffix_of(tmp_path) == ".txt"
    write(tmp_path, a_model(), ".bin")
    assert suffix_of(tmp_path) == ".bin"


def test_a_name_that_a_text_model_cannot_hold_is_not_written(tmp_path: Path) -> None:
    cameras, _, points = a_model()
    image = ColmapImage(1, (1, 0, 0, 0), (0, 0, 0), 3, "a b.png", np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
    with pytest.raises(ValueError, match="without white space"):
        write_model(tmp_path, cameras.values(), [image], points)
    write_model(tmp_path, cameras.values(), [image], points, ".bin")
    assert read_images(tmp_path)[1].name == "a b.png"
