"""One test plants each fault; validation names its file and reason, and nothing else."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vistadream.formats.fastgs_dataset import dataset_files, validate_dataset
from vistadream.formats.files import sha256_of

META, CAMERAS, IMAGES, POINTS = "meta.json", *(f"sparse/0/{name}.txt" for name in ("cameras", "images", "points3D"))
DEPTH, NORMAL, PICTURE, MASK = (
    "priors/depth/000001.npy",
    "priors/normal/000001.npy",
    "images/000001.png",
    "masks/000001.png",
)

Act = Callable[[Path], object]


def sign(folder: Path) -> None:
    """The digests in meta.json made those of the files as they are now."""
    meta = json.loads((folder / META).read_text())
    meta["files"] = {file: sha256_of(folder / file) for file in meta["files"] if (folder / file).is_file()} | {
        file: value for file, value in meta["files"].items() if not (folder / file).is_file()
    }
    (folder / META).write_text(json.dumps(meta))


def array(file: str, change: Callable[[np.ndarray], np.ndarray]) -> Act:
    return lambda folder: np.save(folder / file, change(np.load(folder / file)))


def picture(file: str, change: Callable[[Image.Image], Image.Image]) -> Act:
    return lambda folder: change(Image.open(folder / file)).save(folder / file, "PNG")


def text(file: str, pattern: str, by: str) -> Act:
    def act(folder: Path) -> None:
        changed, n = re.subn(pattern, by, (folder / file).read_text(), count=1, flags=re.M)
        assert n == 1, "the fault is planted"
        (folder / file).write_text(changed)

    return act


def meta(change: Callable[[dict], object]) -> Act:
    def act(folder: Path) -> None:
        value = json.loads((folder / META).read_text())
        change(value)
        (folder / META).write_text(json.dumps(value))

    return act


def put(index: tuple[int, ...], value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[index] = value
        return values

    return change


def pose(change: Callable[[list], object]) -> Act:
    return meta(lambda value: change(value["views"][1]["world_from_cam"]))


def scaled_row(rows: list) -> None:
    rows[0][0] = 1.5


def mirrored(rows: list) -> None:
    rows[0][0] = -1.0


def moved(rows: list) -> None:
    rows[0][3] += 0.01


def dot(level: int) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.putpixel((7, 20), level) or image


FAULTS: dict[str, tuple[Act, str, str]] = {
    "a missing file": (lambda d: (d / DEPTH).unlink(), DEPTH, "is missing"),
    "an extra file": (lambda d: (d / "images/000003.png").touch(), "images/000003.png", "does not belong"),
    "an extra folder's file": (lambda d: (d / "images/.DS_Store").touch(), "images/.DS_Store", "does not belong"),
    "a changed byte": (lambda d: (d / POINTS).write_text((d / POINTS).read_text() + "# x\n"), POINTS, "sha256"),
    "no digest": (meta(lambda m: m["files"].pop(MASK)), META, f"lacks {MASK}"),
    "a digest too many": (meta(lambda m: m["files"].update({"x.png": "0"})), META, "names x.png"),
    "a wrong schema version": (meta(lambda m: m.update(schema_version=2)), META, "schema_version is 2"),
    "no JSON": (lambda d: (d / META).write_text("{"), META, "is not JSON"),
    "JSON of something else": (lambda d: (d / META).write_text("[1]"), META, "schema_version is None"),
    "no meta.json": (lambda d: (d / META).unlink(), META, "cannot be read"),
    "no views": (meta(lambda m: m.update(views=[])), META, "views is not a list"),
    "no files": (meta(lambda m: m.pop("files")), META, "files is not an object"),
    "an unknown source": (meta(lambda m: m.update(source="video")), META, "source is 'video'"),
    "an index gap": (meta(lambda m: m["views"][1].update(index=2)), META, r"views\[1\].index is 2; wanted 1"),
    "another view's picture": (meta(lambda m: m["views"][1].update(image="images/000000.png")), META, r"\[1\].image"),
    "a name twice": (meta(lambda m: m["views"][1].update(name="input")), META, r"views\[1\].name is 'input'"),
    "an unknown origin": (meta(lambda m: m["views"][1].update(origin="dreamt")), META, r"views\[1\].origin"),
    "a rotation with a scale": (pose(scaled_row), META, r"views\[1\].world_from_cam does not hold a rotation"),
    "a mirroring": (pose(mirrored), META, "does not hold a rotation"),
    "a pose of three rows": (pose(lambda rows: rows.pop()), META, r"has shape \(3, 4\)"),
    "a pose by columns": (pose(lambda rows: rows[3].__setitem__(0, 1.0)), META, "last row"),
    "a pose that is not finite": (pose(lambda rows: rows[0].__setitem__(3, float("nan"))), META, "not finite"),
    "a pose of words": (pose(lambda rows: rows[0].__setitem__(3, "x")), META, "not a table of numbers"),
    "a pose that COLMAP's contradicts": (pose(moved), IMAGES, "000001.png: its pose is not that"),
    "an image of too many words": (text(IMAGES, r"^2 1\.0", "2 -0.6 0.8"), IMAGES, "CAMERA_ID is"),
    "a quaternion's length": (text(IMAGES, r"^2 1\.0", "2 1.1"), IMAGES, "length 1.1"),
    "an image's name": (text(IMAGES, "000001.png", "1.png"), IMAGES, "names (1|000001).png"),
    "an image's camera": (text(IMAGES, "2 000001.png", "9 000001.png"), IMAGES, "camera 9 is not in"),
    "an image's id twice": (text(IMAGES, "^2 ", "1 "), IMAGES, "id 1 occurs again"),
    "2D points cut short": (text(IMAGES, r"000001.png\n", "000001.png\n1.0 2.0"), IMAGES, "three words for each"),
    "a camera with distortion": (text(CAMERAS, "^2 PINHOLE", "2 OPENCV"), CAMERAS, "line 3: got 4 parameters"),
    "a camera of one focal length": (
        text(CAMERAS, r"^2 PINHOLE 40 28 \S+", "2 SIMPLE_PINHOLE 40 28"), CAMERAS, "SIMPLE_PINHOLE; wanted PINHOLE"
    ),
    "a camera without focal length": (text(CAMERAS, r"^(2 PINHOLE 40 28) \S+", r"\1 0"), CAMERAS, "focal lengths"),
    "a camera of words": (text(CAMERAS, r"^(2 PINHOLE 40 28) \S+", r"\1 f"), CAMERAS, "line 3: could not convert"),
    "an off-centre principal point": (text(CAMERAS, r"^(2 .*) \S+ \S+$", r"\1 21 14"), CAMERAS, "camera 2: .* off"),
    "a camera of another size": (text(CAMERAS, "^1 PINHOLE 32 (.*) 16.0 12.0", r"1 PINHOLE 30 \1 15 12"), "", "shape"),
    "a point that is not finite": (text(POINTS, r"^3 \S+", "3 nan"), POINTS, "line 4: .*finite"),
    "a point's colour": (text(POINTS, r"^(3 \S+ \S+ \S+) \d+", r"\1 256"), POINTS, "line 4: the color"),
    "a point cut short": (text(POINTS, r"^(3 \S+ \S+) .*", r"\1"), POINTS, "line 4: got 3 words"),
    "no point": (lambda d: (d / POINTS).write_text("# none\n"), POINTS, "holds no point"),
    "a depth of another size": (array(DEPTH, lambda z: z[1:]), DEPTH, r"shape \(27, 40\); wanted \(28, 40\)"),
    "a depth in float64": (array(DEPTH, lambda z: z.astype(np.float64)), DEPTH, "float64; wanted float32"),
    "a depth that is not finite": (array(DEPTH, put((20, 7), np.nan)), DEPTH, "1 values are not finite"),
    "a negative depth": (array(DEPTH, put((0, 0), -1)), DEPTH, "1 values are negative"),
    "a depth that is no array": (lambda d: (d / DEPTH).write_bytes(b"z"), DEPTH, "cannot be read"),
    "an empty file": (lambda d: (d / DEPTH).write_bytes(b""), DEPTH, "cannot be read"),
    "normals of another shape": (array(NORMAL, lambda n: n[..., :2]), NORMAL, r"wanted \(28, 40, 3\)"),
    "normals that are not finite": (array(NORMAL, put((20, 7, 0), np.inf)), NORMAL, "1 values are not finite"),
    "a normal's length": (array(NORMAL, put((20, 7, 0), 3)), NORMAL, "1 vectors"),
    "a picture of another size": (picture(PICTURE, lambda i: i.resize((40, 27))), PICTURE, r"wanted \(28, 40\)"),
    "a grey picture": (picture(PICTURE, lambda i: i.convert("L")), PICTURE, "mode L; wanted PNG of mode RGB"),
    "a picture cut short": (lambda d: (d / PICTURE).write_bytes((d / PICTURE).read_bytes()[:99]), PICTURE, "cannot be"),
    "a JPEG": (lambda d: Image.open(d / PICTURE).save(d / PICTURE, "JPEG"), PICTURE, "cannot be read .* wanted a PNG"),
    "a mask with greys": (picture(MASK, dot(7)), MASK, r"level \[7\]"),
    "a supervise mask with greys": (picture("supervise/000001.png", dot(1)), "supervise/000001.png", r"level \[1\]"),
    "a mask of one bit": (picture(MASK, lambda i: i.convert("1")), MASK, "mode 1; wanted PNG of mode L"),
    "a mask of another size": (picture(MASK, lambda i: i.resize((40, 27), 0)), MASK, r"wanted \(28, 40\)"),
    "too few valid pixels": (picture(MASK, lambda i: i.point(lambda v: 0)), MASK, "0 pixels may supervise"),
    "a mask where no depth is": (picture(MASK, lambda i: i.putpixel((0, 0), 255) or i), MASK, "1 pixels .* no depth"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_found_by_file_and_reason(dataset: Path, fault: str) -> None:
    act, file, reason = FAULTS[fault]
    act(dataset)
    if file != META and "changed byte" not in fault:
        sign(dataset)
    found = validate_dataset(dataset)
    assert any(re.search(reason, f.reason) for f in found), found
    follows = {IMAGES} if file == CAMERAS else set()  # an image whose camera cannot be read
    assert not file or {file} <= {f.file for f in found} <= {file, *follows}, found


def test_all_faults_are_told_at_once(dataset: Path) -> None:
    alone = ["a missing file", "a changed byte", "an off-centre principal point", "a grey picture", "an unknown origin"]
    for fault in alone:
        FAULTS[fault][0](dataset)
    found = validate_dataset(dataset)
    for fault in alone:
        _, file, reason = FAULTS[fault]
        assert any(f.file == file and re.search(reason, f.reason) for f in found), fault


def test_a_file_is_refused_for_all_that_is_wrong_with_it(dataset: Path) -> None:
    array(DEPTH, lambda z: put((0, 0), np.nan)(z[1:].astype(np.float64)))(dataset)
    sign(dataset)
    (fault,) = validate_dataset(dataset)
    assert all(reason in str(fault) for reason in (DEPTH, "float64", "not finite", "shape"))


@pytest.mark.parametrize("file", dataset_files(2)[:9])
def test_no_changed_byte_goes_unnoticed(dataset: Path, file: str) -> None:
    data = bytearray((dataset / file).read_bytes())
    data[len(data) // 2] ^= 1
    (dataset / file).write_bytes(data)
    assert file in {fault.file for fault in validate_dataset(dataset)}


def test_what_the_stock_readers_leave_behind_is_no_fault(dataset: Path) -> None:
    (dataset / "sparse" / "0" / "points3D.ply").write_bytes(b"ply")
    assert validate_dataset(dataset) == []
