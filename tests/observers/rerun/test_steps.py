"""One axis of steps for a whole run."""

from vistadream.observers.rerun.steps import Steps


def test_fits_and_stages_follow_one_another():
    steps = Steps()
    events = [
        ("run/folder", None),
        ("load/started", None),
        ("load/input", None),
        ("coarse/started", None),
        *[(f"coarse/{k:02d}/loss", step) for k in range(2) for step in range(3)],
        ("coarse/01/view", None),
        ("refine/before", None),
        ("refine/loss", 0),
        ("refine/render", 0),
        ("refine/loss", 1),
        ("refine/loss", 0),
    ]
    assert [steps.take(*event) for event in events] == [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 10, 11, 12]
