"""The focal lengths from which models grow."""

from vistadream.backends.poses.lenses import Lens
from vistadream.backends.poses.starts import starts_of

GUESSED = Lens(320, 240, 277.0, 277.0, 160.0, 120.0, known=False)
KNOWN = Lens(320, 240, 300.0, 300.0, 160.0, 120.0, known=True)


def test_few_photos_have_more_starts_than_many():
    few, many = (starts_of([GUESSED], photos, "incremental") for photos in (10, 50))
    assert [start.lenses[0].fx for start in few] == [277.0, 1.2 * 320, 1.2 * 320, 1.8 * 320]
    assert many == few[:2]


def test_a_known_focal_length_is_also_set_free():
    own, free, guessed = starts_of([KNOWN], 10, "incremental")
    assert own.lenses == (KNOWN,)
    assert [(start.lenses[0].fx, start.lenses[0].known) for start in (free, guessed)] == [(300, False), (384, False)]


def test_the_global_mapper_starts_from_calibrated_focal_lengths_alone():
    for lens in (GUESSED, KNOWN):
        starts = starts_of([lens], 10, "global")
        assert all(start.calibrate and start.mapper == "global" for start in starts)
    assert [start.lenses[0].known for start in starts] == [True, False]
