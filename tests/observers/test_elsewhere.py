"""What a person at another machine is shown."""

import sys

import pytest

from vistadream.observers.elsewhere import has_display, ssh_line


@pytest.mark.parametrize(
    ("platform", "variables", "found"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
    ],
)
def test_a_window_can_open_where_there_is_a_display(platform, variables, found, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert has_display() is found


def test_the_line_names_the_same_port_at_both_ends():
    assert ssh_line(7860).startswith("ssh -N -L 7860:127.0.0.1:7860 ")
