"""One observer made of several."""

import pytest

from vistadream.observers.multiplexer import Multiplexer


class Seen(list):
    """Remembers events, resolving costly values."""

    def __call__(self, name, value, step=None):
        self.append((name, value() if callable(value) else value, step))


def deaf(name, value, step=None):
    """Never looks at a value."""


def broken(name, value, step=None):
    if name == "bad":
        raise RuntimeError("no such luck")


def test_everyone_hears_everything_in_order():
    first, second = Seen(), Seen()
    multiplexer = Multiplexer(first, second)
    multiplexer("a", 1.0)
    multiplexer("b", 2.0, step=3)
    assert first == second == [("a", 1.0, None), ("b", 2.0, 3)]


def test_a_costly_value_is_made_once_and_only_when_asked_for():
    made = []
    first, second = Seen(), Seen()
    Multiplexer(first, deaf, second)("a", lambda: made.append("made") or len(made))
    assert first == second == [("a", 1, None)]
    Multiplexer(deaf, deaf)("a", lambda: pytest.fail("made in vain"))


def test_a_broken_observer_is_named_once_and_only_misses_what_it_cannot_show(caplog):
    seen, after = Seen(), Seen()

    def sometimes(name, value, step=None):
        broken(name, value)
        after(name, value)

    multiplexer = Multiplexer(sometimes, seen)
    for name in ("bad", "good", "bad"):
        multiplexer(name, 0.0)
    assert [name for name, *_ in seen] == ["bad", "good", "bad"]
    assert [name for name, *_ in after] == ["good"]
    assert caplog.text.count("no such luck") == 1


def test_a_value_that_cannot_be_made_does_not_stop_the_run(caplog):
    Multiplexer(Seen())("render", lambda: 1 / 0)
    assert "render" in caplog.text


@pytest.mark.parametrize("order", [KeyboardInterrupt, SystemExit])
def test_orders_to_stop_pass(order):
    def stop(name, value, step=None):
        raise order

    with pytest.raises(order):
        Multiplexer(stop)("a", 0.0)
