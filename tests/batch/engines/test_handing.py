"""Items are handed out two ahead, to each worker once, and those of a lost worker go to others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.batch.engines.handing import AHEAD, Handing
from vistadream.batch.items import Item


def items(count: int) -> list[Item]:
    return [Item(f"{n:016x}-00000000", (f"{n}.png",), ()) for n in range(count)]


def test_every_worker_has_two_and_no_item_is_given_twice() -> None:
    handing = Handing()
    for name in "abc":
        handing.join(name)
    given_out = list(handing.next(items(20)))
    assert sorted(name for name, _ in given_out) == sorted("abc" * AHEAD)
    assert len({item.id for _, item in given_out}) == len(given_out)
    assert not list(handing.next(items(20)))


def test_towards_the_end_nobody_waits_behind_another_item() -> None:
    handing = Handing()
    for name in "abc":
        handing.join(name)
    assert [name for name, _ in handing.next(items(4))] == ["a", "b", "c"]


def test_an_idle_worker_takes_what_waits_behind_another_item() -> None:
    handing = Handing()
    handing.join("a")
    first, second = (item.id for _, item in handing.next(items(2)))
    handing.join("b")
    assert [(name, item.id) for name, item in handing.next(items(2))] == [("b", second)]
    handing.join("c")
    assert not list(handing.next(items(2))), "two have it, and the first one is under way"
    handing.ended("b", second, again=False)
    assert handing.lost("a") == (first, second)


def test_a_straggler_is_given_to_one_idle_worker_when_nothing_else_is_left() -> None:
    handing, slow = Handing(), items(1)
    handing.join("a")
    assert [item.id for _, item in handing.next(slow)] == [slow[0].id]
    handing.join("b")
    handing.join("c")
    assert not list(handing.next(slow)), "it takes no longer than others"
    given_out = list(handing.next(items(2), slow))
    assert [(name, item.id) for name, item in given_out] == [("b", items(2)[1].id), ("c", slow[0].id)]
    handing.join("d")
    assert not list(handing.next(items(2), slow)), "two are enough"


def test_what_a_lost_worker_had_goes_to_others() -> None:
    handing = Handing()
    for name in "ab":
        handing.join(name)
    had = {item.id for name, item in handing.next(items(8)) if name == "a"}
    assert set(handing.lost("a")) == had
    handing.join("c")
    assert {item.id for _, item in handing.next(items(8))} == had


def test_an_item_that_is_somebody_elses_is_not_asked_for_again_at_once() -> None:
    now = [0.0]
    handing = Handing(lambda: now[0])
    handing.join("a")
    ((_, item),) = handing.next(items(1))
    handing.ended("a", item.id, again=True)
    assert not list(handing.next(items(1)))
    now[0] = 10
    assert [each.id for _, each in handing.next(items(1))] == [item.id]


@given(st.lists(st.sampled_from(["join", "lose", "end", "again", "hand"]), max_size=60), st.randoms())
def test_whatever_happens_only_an_idle_worker_gets_what_another_has_not_begun(steps: list[str], random: object) -> None:
    handing, with_whom, count = Handing(lambda: 0.0), {}, 0
    for step in steps:
        workers = sorted(set(with_whom))
        if step == "join":
            count += 1
            with_whom[str(count)] = []
            handing.join(str(count))
        elif step == "hand":
            for name, item in handing.next(items(9)):
                places = [ids.index(item.id) for ids in with_whom.values() if item.id in ids]
                assert not places or (len(places) == 1 and places[0] > 0 and not with_whom[name])
                with_whom[name].append(item.id)
        elif workers and step == "lose":
            name = random.choice(workers)  # type: ignore[attr-defined]
            assert sorted(handing.lost(name)) == sorted(with_whom.pop(name))
        elif busy := [name for name in workers if with_whom[name]]:
            name = random.choice(busy)  # type: ignore[attr-defined]
            handing.ended(name, with_whom[name].pop(0), again=step == "again")
    assert all(len(ids) <= AHEAD for ids in with_whom.values())
    assert handing.is_idle() == (not any(with_whom.values()))


def test_an_unknown_worker_has_nothing() -> None:
    assert not Handing().lost("nobody")
    with pytest.raises(KeyError):
        Handing().ended("nobody", "x", again=False)
