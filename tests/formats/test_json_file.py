"""Every JSON file is read as json reads it, or refused by one ValueError."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.formats.json_file import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json") / "a.json"


@settings(derandomize=True, deadline=None)
@given(value=VALUES, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), ascii_only=st.booleans())
def test_what_json_writes_is_read_in_every_encoding(value, encoding: str, ascii_only: bool, file: Path) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only)
    file.write_bytes(written.encode(encoding, "surrogatepass"))
    assert read_json(file) == value


@settings(derandomize=True, deadline=None)
@given(content=st.binary() | st.text(alphabet='[]{}",:\\019.eE- ', max_size=60).map(str.encode))
def test_any_bytes_are_read_as_by_json_or_refused(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    try:
        value = read_json(file)
    except ValueError:
        return
    assert value == json.loads(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Expecting value"),
        ('{"a": 1', "delimiter"),
        ("[" * 60_000, "nest 60000 deep; wanted at most 64"),
        ('{"a":' * 65 + "1" + "}" * 65, "nest 65 deep"),
        ("9" * 400, "a number has 400 digits"),
        ("-" + "9" * 5000, "a number has 5001 digits"),
        ("1e400", "the number 1e400 is too large"),
        ("[NaN]", "holds NaN; wanted finite"),
        ("[-Infinity]", "holds -Infinity"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' occurs twice"),
    ],
)
def test_what_is_refused_is_named(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "a.json")


def test_brackets_in_strings_do_not_nest(tmp_path: Path) -> None:
    value = {'"[' * 100: ["]}\\" * 100, '\\"[{' * 100]}
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "a.json") == value


def test_our_own_figures_may_be_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[NaN, Infinity]")
    nan, infinity = read_json(tmp_path / "a.json", finite=False)
    assert math.isnan(nan)
    assert infinity == math.inf
