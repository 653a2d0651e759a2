"""As many workers as there are jobs, as places allow; those that were idle for long may go."""

from hypothesis import given
from hypothesis import strategies as st

from vistadream.service.cluster.crew import Member, superfluous, wanted


def test_the_number_of_workers_follows_the_queue() -> None:
    assert [wanted(jobs, places=3) for jobs in (0, 1, 2, 3, 9)] == [1, 1, 2, 3, 3]
    assert wanted(9, places=0) == 0


def member(idle_since_s: float, is_leaving: bool = False) -> Member:
    return Member("", None, None, idle_since_s, is_leaving=is_leaving)


def test_whoever_was_idle_the_longest_goes_first() -> None:
    old, older, young = member(2), member(1), member(9)
    assert superfluous([old, older, young], most=1, long_ago_s=5) == [older, old]
    assert superfluous([old, older, young], most=2, long_ago_s=5) == [older]


@given(st.lists(st.tuples(st.floats(0, 10), st.booleans())), st.integers(0, 9))
def test_never_more_go_than_are_too_many_and_nobody_twice(about: list[tuple[float, bool]], most: int) -> None:
    members = [member(*each) for each in about]
    going = superfluous(members, most, long_ago_s=5)
    staying = sum(not each.is_leaving for each in members) - len(going)
    assert not going or staying >= most
    assert all(each.idle_since_s <= 5 and not each.is_leaving for each in going)
