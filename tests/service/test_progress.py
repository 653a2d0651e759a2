"""How far a run is, from the end of its events, against a reading of every line."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vistadream.service import progress
from vistadream.service.progress import progress_of

NAMES = st.sampled_from(["load", "coarse", "coarse/03/fit", "refine/fit"])
TEXTS = st.sampled_from(["plain", '"kind": "progress"', 'a\n"kind": "stage_started"', "ä"])
BEGUN = st.builds(lambda stage: {"stage": stage}, st.sampled_from(["load", "coarse"]))
DONE = st.builds(lambda done: {"done": done, "total": 9}, st.integers(0, 9))
OTHER = st.one_of(st.builds(lambda text: {"text": text}, TEXTS), st.just({"kind": "progress"}))
KINDS = {"stage_started": BEGUN, "progress": DONE, "text": OTHER, "number": st.just(0.5)}
LINES = st.lists(st.one_of([st.tuples(NAMES, st.just(kind), values) for kind, values in KINDS.items()]), max_size=12)


def as_every_line_says(lines):
    """The oracle: forwards through all lines."""
    stage = done = None
    for name, kind, value in lines:
        if kind == "stage_started":
            stage, done = value["stage"], None
        elif kind == "progress":
            stage, done = stage or name.split("/")[0], value["done"]
    return stage, done


def written(path: Path, lines, end: str = "") -> Path:
    texts = [json.dumps({"seq": n, "name": a, "kind": k, "value": v}) for n, (a, k, v) in enumerate(lines)]
    path.write_text("".join(f"{text}\n" for text in texts) + end)
    return path


@given(lines=LINES, end=st.sampled_from(["", '{"seq": 7, "kind": "progress"']))
def test_it_is_what_all_whole_lines_say(tmp_path_factory, lines, end):
    stage, found = progress_of(written(tmp_path_factory.mktemp("run") / "events.jsonl", lines, end))
    wanted, done = as_every_line_says(lines)
    assert found.done == done if found else done is None
    begun = any(kind == "stage_started" for _, kind, _ in lines)
    names = [name.split("/")[0] for name, kind, _ in lines if kind == "progress"]
    assert stage == (wanted if begun else names[-1] if names else None)


def test_of_a_long_stage_the_last_lines_are_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_TAIL_BYTES", 200)
    lines = [("load", "stage_started", {"stage": "load"})]
    lines += [("coarse/03/fit", "progress", {"done": n, "total": 90}) for n in range(90)]
    stage, found = progress_of(written(tmp_path / "events.jsonl", lines))
    assert (stage, found.done, found.total) == ("coarse", 89, 90)


def test_without_a_file_nothing_is_known(tmp_path):
    assert progress_of(tmp_path / "events.jsonl") == (None, None)
