"""Sentences are alike where only the picture, a path or a number differs."""

import pytest

from vistadream.batch.sentences import alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/b.jpg is no picture", "/c/d e.png is no picture"),
        ("it has 30 pixels of 1,000", "it has 4.5 pixels of 2"),
        ("see /tmp/x/run.log: broken", "see /other: broken"),
    ],
)
def test_alike(one, other):
    assert alike(one, "/a/b.jpg") == alike(other, "/c/d e.png")


def test_different_reasons_stay_apart():
    assert alike("a.jpg is no picture", "a.jpg") != alike("a.jpg is empty", "a.jpg")
