"""A checkpoint comes back bit for bit to the fit that left it, and to nobody else; trouble with it costs a warning."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from vistadream.core import Note, use_observer
from vistadream.runs import checkpoint_file
from vistadream.runs.checkpoint_file import CheckpointFile

STATE = {
    "means": torch.rand(5, 3),
    "transposed": torch.rand(3, 5).T,
    "none": torch.zeros(0, 3),
    "step": torch.tensor(7.0),
    "exact": torch.tensor([0.1, torch.nan], dtype=torch.float64),
}


@pytest.fixture
def warnings() -> Iterator[list[Note]]:
    heard: list[Note] = []
    with use_observer(lambda name, value, step=None: heard.append(value)):
        yield heard


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    CheckpointFile(tmp_path / "c", "key", 0).save("refine", STATE)
    back = CheckpointFile(tmp_path / "c", "key", 0).load("refine")
    assert back is not None
    assert list(back) == sorted(STATE)
    for name, tensor in STATE.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name].nan_to_num(9), tensor.nan_to_num(9)), name
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_it_carries_the_seconds_of_all_sessions_under_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoint_file, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for begins, fit, carried in ((100.0, "coarse/00", 0.0), (5000.0, "coarse/01", 30.0), (7.0, "coarse/00", 60.0)):
        now[0] = begins
        file = CheckpointFile(tmp_path / "c", "key", 0)
        assert file.earlier_s == carried, "whatever fit it was that saved"
        for _ in range(2):
            now[0] += 15
            file.save(fit, STATE)
    assert CheckpointFile(tmp_path / "c", "other knobs", 0).earlier_s == 0
    (tmp_path / "c").write_bytes(b"\0" * 40)
    assert CheckpointFile(tmp_path / "c", "key", 0).earlier_s == 0


def test_the_newest_counts(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "c", "key", 0)
    for step in (1.0, 2.0):
        file.save("refine", {"step": torch.tensor(step)})
    assert file.load("refine") == {"step": torch.tensor(2.0)}


def test_nobody_else_takes_it_for_theirs(tmp_path: Path, warnings: list[Note]) -> None:
    CheckpointFile(tmp_path / "c", "key", 0).save("refine", STATE)
    assert CheckpointFile(tmp_path / "c", "other knobs", 0).load("refine") is None
    assert CheckpointFile(tmp_path / "c", "key", 0).load("coarse/00") is None
    assert CheckpointFile(tmp_path / "none", "key", 0).load("refine") is None
    assert CheckpointFile(tmp_path / "c", "other knobs", 0).is_foreign("refine")
    assert not CheckpointFile(tmp_path / "c", "key", 0).is_foreign("refine")
    save_file({"step": torch.tensor(1.0)}, tmp_path / "foreign")
    assert CheckpointFile(tmp_path / "foreign", "key", 0).load("refine") is None
    assert warnings == []


@pytest.mark.parametrize("spoil", [lambda good: good[:-5], lambda good: b"", lambda good: b"\xff" * 50])
def test_a_broken_file_costs_a_warning(spoil, tmp_path: Path, warnings: list[Note]) -> None:
    CheckpointFile(tmp_path / "c", "key", 0).save("refine", STATE)
    (tmp_path / "c").write_bytes(spoil((tmp_path / "c").read_bytes()))
    assert CheckpointFile(tmp_path / "c", "key", 0).load("refine") is None
    assert [note.level for note in warnings] == ["warning"]
    assert f"{tmp_path / 'c'} cannot be read" in warnings[0].text
    assert "refine starts from its first step" in warnings[0].text


def test_a_place_that_cannot_be_written_costs_a_warning(tmp_path: Path, warnings: list[Note]) -> None:
    (tmp_path / "file").touch()
    CheckpointFile(tmp_path / "file" / "c", "key", 0).save("refine", STATE)
    assert "cannot be written" in warnings[0].text
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_state_is_due_so_many_seconds_after_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 129.9, 130.0, 130.0, 130.0, 159.0, 160.0])
    monkeypatch.setattr(checkpoint_file, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    file = CheckpointFile(tmp_path / "c", "key", 30)
    assert [file.due(), file.due()] == [False, True]
    file.save("refine", STATE)
    assert [file.due(), file.due()] == [False, True]
