"""The README's Python lines run as they stand."""

import re
from pathlib import Path

import pytest
from PIL import Image

from vistadream.assets import sample_image

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_s_three_lines_make_a_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(code.strip().splitlines()) == 3
    monkeypatch.chdir(tmp_path)
    Image.open(sample_image()).resize((80, 60)).save(tmp_path / "photo.jpg")
    exec(code, {})
    assert "Gaussians" in capsys.readouterr().out
    assert list(tmp_path.glob("outputs/photo/*/export/gaussians.ply"))
