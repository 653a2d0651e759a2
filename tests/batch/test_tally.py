"""The line on the console."""

import pytest

from vistadream.batch.plan import Counted
from vistadream.batch.tally import Tally, duration


def test_the_line() -> None:
    times = iter([0.0, 120.0, 240.0])
    tally = Tally(lambda: next(times))
    assert tally.line(None) == "0 done, 0 running, 0 given up"
    for n in range(4):
        about = {"node": "here", "device": f"gpu{n % 2}"}
        tally.add([{"event": "began", "worker": f"w{n}", "id": str(n), **about}])
    ended = {"event": "ended", "worker": "w0", "id": "0", "state": "done", "seconds": 81.4}
    tally.add([ended, {"event": "published", "id": "0"}])
    tally.add([{"event": "killed", "worker": "driver", "of": "w1", "id": "1"}, {"event": "given_up", "id": "2"}])
    line = tally.line(Counted(items=1_000, done=500))
    assert line == (
        "501 of 1,000 done, 2 running on 2 devices, 1 given up, 1 tried again; 60 images an hour, 8 h 18 min left; "
        "the slowest took 1 min 21 s"
    )


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (7200, "2 h"), (90_000, "1 d 1 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
