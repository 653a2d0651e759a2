"""Laws of the 3DGS PLY: what is written is what a viewer expects, and writing what was read changes no byte."""

import math
from pathlib import Path

import numpy as np
import plyfile
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vistadream.core import Gaussians, UserError
from vistadream.formats.ply import read_columns, read_ply, write_ply


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(float(np.float32(low)), float(np.float32(high)), width=32)


@st.composite
def any_gaussians(draw) -> Gaussians:
    n, k = draw(st.integers(0, 5)), draw(st.sampled_from([None, 1, 4, 9, 16]))
    color_shape = (n, 3) if k is None else (n, k, 3)

    def array(shape, elements):
        return torch.from_numpy(draw(hnp.arrays(np.float32, shape, elements=elements)))

    quats = array((n, 4), floats(-1e10, 1e10))
    quats[(quats == 0).all(dim=1)] = torch.tensor([1.0, 0, 0, 0])
    return Gaussians(
        array((n, 3), floats(-1e30, 1e30)),
        quats,
        array((n, 3), floats(0, 1e38)),
        array((n,), floats(0, 1)),
        array(color_shape, floats(-1e6, 1e6)),
    )


def some_gaussians(n: int = 50, k: int | None = None) -> Gaussians:
    g = torch.Generator().manual_seed(1)
    shape = (n, 3) if k is None else (n, k, 3)
    return Gaussians(
        torch.randn(n, 3, generator=g),
        torch.nn.functional.normalize(torch.randn(n, 4, generator=g), dim=1),
        torch.rand(n, 3, generator=g) * 0.1 + 1e-3,
        torch.rand(n, generator=g) * 0.98 + 0.01,
        torch.rand(shape, generator=g),
    )


@settings(deadline=None, max_examples=200, derandomize=True)
@given(gaussians=any_gaussians())
def test_writing_what_was_read_changes_no_byte(gaussians: Gaussians, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("ply")
    first = write_ply(gaussians, tmp_path / "first.ply")
    second = write_ply(read_ply(first), tmp_path / "second.ply")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("low", "high"), [(1e-9, 1.0), (0.4, 0.6), (0.999999, 1.0)])
def test_rounding_is_stable_for_dense_values(low: float, high: float, tmp_path: Path) -> None:
    n = 100_000
    values = torch.linspace(low, high, n)
    gaussians = Gaussians(
        torch.zeros(n, 3),
        torch.nn.functional.normalize(torch.randn(n, 4, generator=torch.Generator().manual_seed(0)), dim=1),
        (values * 8)[:, None].expand(n, 3),
        values,
        (values * 4 - 2)[:, None].expand(n, 3),
    )
    first = write_ply(gaussians, tmp_path / "first.ply")
    assert first.read_bytes() == write_ply(read_ply(first), tmp_path / "second.ply").read_bytes()


def test_a_scale_whose_log_and_exponential_disagree_is_settled(tmp_path: Path) -> None:
    """log(2.718282) rounds to 1 in float32 and exp(1) to another number: the one such value from 0.1 to 10."""
    tensors = dict(some_gaussians(1).tensors()) | {"scales": torch.full((1, 3), 2.718282)}
    first = write_ply(Gaussians(**tensors), tmp_path / "first.ply")
    assert first.read_bytes() == write_ply(read_ply(first), tmp_path / "second.ply").read_bytes()


@pytest.mark.parametrize("k", [None, 4, 9, 16])
def test_reading_gives_back_what_was_written(k: int | None, tmp_path: Path) -> None:
    gaussians = some_gaussians(k=k)
    back = read_ply(write_ply(gaussians, tmp_path / "g.ply"))
    for (name, wanted), (_, got) in zip(gaussians.tensors(), back.tensors(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=2e-6, atol=1e-6, msg=name)


def test_constant_harmonics_read_back_as_rgb(tmp_path: Path) -> None:
    gaussians = some_gaussians(k=1)
    back = read_ply(write_ply(gaussians, tmp_path / "g.ply"))
    torch.testing.assert_close(back.colors, 0.5 + 0.28209479177387814 * gaussians.colors[:, 0])


def test_file_holds_the_standard_columns(tmp_path: Path) -> None:
    """A written Gaussian, decoded by the standard's formulas from nothing but the file's own header."""
    gaussians = Gaussians(
        torch.tensor([[1.0, 2.0, 3.0]]),
        torch.tensor([[0.0, 0.0, 0.0, 2.0]]),
        torch.tensor([[0.1, 0.2, 0.3]]),
        torch.tensor([0.25]),
        torch.tensor([[0.0, 0.5, 1.0]]),
    )
    head, body = write_ply(gaussians, tmp_path / "g.ply").read_bytes().split(b"end_header\n")
    lines = head.decode().split("\n")
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", "element vertex 1"]
    names = [line.removeprefix("property float ") for line in lines[3:] if line.startswith("property float ")]
    row = dict(zip(names, np.frombuffer(body, "<f4"), strict=True))
    assert [row[c] for c in "xyz"] == [1, 2, 3]
    assert [row[f"rot_{i}"] for i in range(4)] == [0, 0, 0, 1]
    assert row["opacity"] == pytest.approx(math.log(0.25 / 0.75))
    assert [row[f"scale_{i}"] for i in range(3)] == pytest.approx(np.log([0.1, 0.2, 0.3]))
    assert [0.5 + row[f"f_dc_{i}"] * 0.28209479177387814 for i in range(3)] == pytest.approx([0, 0.5, 1], abs=1e-6)
    assert not any(name.startswith("f_rest") for name in names)


def test_f_rest_is_channel_major(tmp_path: Path) -> None:
    colors = torch.arange(12.0).reshape(1, 4, 3)  # coefficient k, channel c holds 3 k + c
    gaussians = Gaussians(torch.zeros(1, 3), torch.eye(4)[:1], torch.ones(1, 3), torch.ones(1), colors)
    columns = read_columns(write_ply(gaussians, tmp_path / "g.ply"))
    assert [columns[f"f_rest_{i}"][0] for i in range(9)] == [3, 6, 9, 4, 7, 10, 5, 8, 11]


def test_extreme_values_are_stored_finite(tmp_path: Path) -> None:
    quats = torch.eye(4)[[0, 0]]
    gaussians = Gaussians(torch.zeros(2, 3), quats, torch.zeros(2, 3), torch.tensor([0.0, 1.0]), torch.zeros(2, 3))
    path = write_ply(gaussians, tmp_path / "g.ply")
    assert all(np.isfinite(values).all() for values in read_columns(path).values())
    assert read_ply(path).opacities.tolist() == pytest.approx([0, 1], abs=1e-8)


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [
        ("means", math.nan, "x"),
        ("scales", -1.0, "scale_0"),
        ("opacities", 1.5, "opacity"),
        ("quats_wxyz", 0.0, "rot_0"),
        ("colors", math.inf, "f_dc_0"),
    ],
)
def test_unphysical_values_are_refused_by_name(field: str, value: float, column: str, tmp_path: Path) -> None:
    tensors = dict(some_gaussians(3).tensors())
    tensors[field] = torch.full_like(tensors[field], value)
    with pytest.raises(ValueError, match=f"{column} is not a finite number in 3 of 3"):
        write_ply(Gaussians(**tensors), tmp_path / "g.ply")
    assert not (tmp_path / "g.ply").exists()


def test_reader_takes_normals_ascii_big_endian_and_other_elements(tmp_path: Path) -> None:
    path = write_ply(some_gaussians(k=4), tmp_path / "ours.ply")
    rows = plyfile.PlyData.read(str(path))["vertex"].data
    dtype = [*rows.dtype.descr, ("nx", "<f4"), ("confidence", "u1")]
    wider = np.zeros(len(rows), dtype)
    for name in rows.dtype.names:
        wider[name] = rows[name]
    elements = [plyfile.PlyElement.describe(wider, "vertex"), plyfile.PlyElement.describe(wider[:2], "intrinsic")]
    for options in ({"text": True}, {"byte_order": ">"}, {"byte_order": "<"}):
        other = tmp_path / "other.ply"
        plyfile.PlyData(elements, **options).write(str(other))
        for (name, wanted), (_, got) in zip(read_ply(path).tensors(), read_ply(other).tensors(), strict=True):
            torch.testing.assert_close(got, wanted, msg=name)


def spoil_first_x(content: bytes) -> bytes:
    start = content.index(b"end_header\n") + len(b"end_header\n")
    return content[:start] + np.float32(np.nan).tobytes() + content[start + 4 :]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda good: good[:-7], "is not a complete PLY"),
        (lambda good: b"solid nothing", "is not a complete PLY"),
        (lambda good: b"", "is not a complete PLY"),
        (lambda good: bytes(range(256)), "is not a complete PLY"),
        (lambda good: good.replace(b"float opacity", b"float visible"), "lacks the properties opacity"),
        (lambda good: good.replace(b"float opacity", b"float x"), "two properties with same name"),
        (lambda good: good.replace(b"f_rest_3", b"g_rest_3"), "has 8 f_rest properties"),
        (lambda good: good.replace(b"element vertex", b"element vertox"), "has no element 'vertex'"),
        (spoil_first_x, "means is not a finite number in 1 of 3"),
    ],
)
def test_malformed_file_is_a_user_error(spoil, problem: str, tmp_path: Path) -> None:
    path = write_ply(some_gaussians(3, k=4), tmp_path / "g.ply")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=problem) as caught:
        read_ply(path)
    assert str(path) in str(caught.value)


def test_missing_file_and_folder_are_user_errors(tmp_path: Path) -> None:
    for nowhere in (tmp_path / "none.ply", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_ply(nowhere)


def test_zero_quaternion_in_a_file_is_a_user_error(tmp_path: Path) -> None:
    path = write_ply(some_gaussians(3), tmp_path / "g.ply")
    ply = plyfile.PlyData.read(str(path), mmap=False)
    for i in range(4):
        ply["vertex"][f"rot_{i}"][1] = 0
    ply.write(str(path))
    with pytest.raises(UserError, match="quaternion is zero in 1 of 3"):
        read_ply(path)


REFERENCE = [*"xyz", *(f"n{a}" for a in "xyz"), *(f"f_dc_{i}" for i in range(3)), *(f"f_rest_{i}" for i in range(45))]
REFERENCE += ["opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
"""The 62 properties of the reference implementation, in its order; gsplat writes them without the normals."""


def others(names: list[str], *more: plyfile.PlyElement) -> tuple[plyfile.PlyData, np.ndarray]:
    """A file as another program writes it, with numbers of its own, and its rows."""
    rows = np.zeros(4, [(name, "<f4") for name in names])
    g = np.random.default_rng(0)
    for name in names:
        rows[name] = g.normal(size=4)
    return plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex"), *more], byte_order="<"), rows


def ints(name: str, values: list[int]) -> plyfile.PlyElement:
    return plyfile.PlyElement.describe(np.array([(value,) for value in values], [(name, "<i4")]), name)


SHARP = [ints("image_size", [640, 480]), ints("frame", [1, 4]), ints("version", [1, 5, 0]), ints("color_space", [0])]
"""Elements that Apple's SHARP adds behind the Gaussians; it writes no normals and no f_rest."""


@pytest.mark.parametrize(
    ("names", "more", "coefficients"),
    [
        (REFERENCE, [], 16),
        ([name for name in REFERENCE if name[0] != "n"], [], 16),
        ([name for name in REFERENCE if name[0] != "n" and "rest" not in name], SHARP, None),
    ],
    ids=["reference", "gsplat", "SHARP"],
)
def test_files_of_other_programs_are_read_by_the_standard_s_formulas(names, more, coefficients, tmp_path: Path) -> None:
    ply, rows = others(names, *more)
    ply.write(str(tmp_path / "other.ply"))
    read = read_ply(tmp_path / "other.ply")
    dc = np.stack([rows[f"f_dc_{i}"] for i in range(3)], axis=1)
    if coefficients is None:
        assert read.colors.numpy() == pytest.approx(0.5 + 0.28209479177387814 * dc, abs=1e-6)
    else:
        assert read.colors.shape == (4, coefficients, 3)
        assert read.colors[:, 0].numpy() == pytest.approx(dc)
        assert read.colors[:, 2, 1].numpy() == pytest.approx(rows["f_rest_16"])  # green's second of 15
    assert read.opacities.numpy() == pytest.approx(1 / (1 + np.exp(-rows["opacity"])), abs=1e-6)
    assert read.scales[:, 2].numpy() == pytest.approx(np.exp(rows["scale_2"]), rel=1e-6)
    assert read.quats_wxyz[:, 3].numpy() == pytest.approx(rows["rot_3"])


HEAD = b"comment made by caf\xc3\xa9\n"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: good.replace(b"element vertex", HEAD + b"element vertex", 1),
        lambda good: good.replace(b"element vertex", HEAD.decode().encode("latin-1") + b"element vertex", 1),
        lambda good: good.replace(b"end_header\n", HEAD + b"comment \xff\nend_header\n", 1),
        lambda good: b"\xef\xbb\xbf" + good,
        lambda good: b"\xef\xbb\xbf" + good.replace(b"end_header\n", HEAD + b"end_header\n", 1),
    ],
    ids=["UTF-8", "Latin-1", "last", "byte order mark", "both"],
)
@pytest.mark.parametrize("text", [False, True])
def test_a_header_that_is_not_ascii_changes_no_number(spoil, text: bool, tmp_path: Path) -> None:
    ply, _ = others(REFERENCE, *SHARP)
    ply.text = text
    ply.write(str(tmp_path / "good.ply"))
    (tmp_path / "other.ply").write_bytes(spoil((tmp_path / "good.ply").read_bytes()))
    wanted, got = read_ply(tmp_path / "good.ply"), read_ply(tmp_path / "other.ply")
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(wanted.tensors(), got.tensors(), strict=True))


@pytest.mark.parametrize("lost", ["scale_2", "rot_3", "f_dc_1", "z"])
def test_a_property_that_another_program_left_out_is_named(lost: str, tmp_path: Path) -> None:
    """Such as the third scale, which flat surfels do not have."""
    others([name for name in REFERENCE if name != lost])[0].write(str(tmp_path / "other.ply"))
    with pytest.raises(UserError, match=f"lacks the properties {lost}; wanted"):
        read_ply(tmp_path / "other.ply")
