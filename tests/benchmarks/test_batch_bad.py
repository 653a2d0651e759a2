"""A batch with bad pictures: a small form of benchmarks/batch_bad.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from bad_pictures import BAD, bad_files
from batch_bad import holds, run


def test_bad_pictures_are_given_up_each_with_its_sentence_and_the_report_agrees(tmp_path: Path) -> None:
    bad = len(BAD)
    found = run(tmp_path, images=bad + 2, bad=bad, words=("batch.max_bad=0.8",))
    assert holds(found, images=bad + 2, bad=bad), found
    assert set(found["kinds"]) == set(BAD)
    assert not holds(found | {"published": 1}, images=bad + 2, bad=bad)


def test_no_two_bad_files_are_alike() -> None:
    files = [content for (_, content), _ in zip(bad_files(), range(50), strict=False)]
    assert len(set(files)) == 50
