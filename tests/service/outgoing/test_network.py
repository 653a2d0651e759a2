"""Names and addresses of every form, with the system's own resolver for those that are numbers, and a pretended one."""

import asyncio
from collections.abc import Sequence

import httpcore
import pytest

from vistadream.service.outgoing.network import GuardedNetwork, addresses_of
from vistadream.service.problems import ProblemError

GOOD, BAD = "93.184.216.34", "10.0.0.7"


class Recorded(httpcore.AsyncMockBackend):
    """Keeps where connections go; those to `down` fail."""

    def __init__(self, down: Sequence[str] = ()):
        super().__init__([])
        self.to: list[str] = []
        self.down = down

    async def connect_tcp(self, host, port, *further):
        self.to.append(host)
        if host in self.down:
            raise httpcore.ConnectError
        return await super().connect_tcp(host, port)


def answers(*lists: Sequence[str]):
    """A resolver whose answers differ from time to time."""
    rest = list(lists)
    return lambda host, port: rest.pop(0)


def connect(network: GuardedNetwork, host: str) -> None:
    asyncio.run(network.connect_tcp(host, 80))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "localhost", "localhost.", "0", "::1",
        "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "169.254.169.254", "100.64.0.1",
        "10.1.2.3", "192.168.0.1", "172.31.255.255", "198.18.0.1", "2002:7f00:1::1", "2002:5db8:d822::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1%lo", "fd00:ec2::254",
        "224.0.0.1", "ff02::1", "255.255.255.255",
        "a..b", "a" * 80 + ".example", "no-such-host.invalid",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_whatever_its_form(host, outgoing_knobs):
    inner = Recorded()
    network = GuardedNetwork(outgoing_knobs(), addresses_of, inner)
    with pytest.raises(ProblemError, match="no address, or one that is not public") as refused:
        connect(network, host)
    assert refused.value.status == 422
    assert inner.to == []


@pytest.mark.parametrize("found", [[], [BAD], [GOOD, BAD], [BAD, GOOD], [GOOD, "::1"], [GOOD, "::ffff:127.0.0.1"]])
def test_one_bad_address_of_a_name_is_enough(found, outgoing_knobs):
    inner = Recorded()
    with pytest.raises(ProblemError):
        connect(GuardedNetwork(outgoing_knobs(), answers(found), inner), "pictures.example")
    assert inner.to == []


def test_a_connection_goes_to_the_address_that_was_checked(outgoing_knobs):
    inner = Recorded()
    network = GuardedNetwork(outgoing_knobs(), answers([GOOD], [BAD], [GOOD]), inner)
    connect(network, "rebinding.example")
    assert inner.to == [GOOD], "never the name, which would be looked up again"
    with pytest.raises(ProblemError):
        connect(network, "rebinding.example")
    connect(network, "rebinding.example")
    assert inner.to == [GOOD, GOOD]


def test_the_next_address_is_tried_where_one_does_not_answer(outgoing_knobs):
    other = "93.184.216.35"
    inner = Recorded(down=[GOOD])
    connect(GuardedNetwork(outgoing_knobs(), answers([GOOD, other]), inner), "pictures.example")
    assert inner.to == [GOOD, other]
    down = Recorded(down=[GOOD])
    with pytest.raises(httpcore.ConnectError):
        connect(GuardedNetwork(outgoing_knobs(), answers([GOOD] * 9), down), "pictures.example")
    assert len(down.to) == 4


@pytest.mark.parametrize(
    ("allowed", "port", "may"),
    [
        (["gallery.lan"], 80, True), (["GALLERY.lan"], 443, True), (["gallery.lan:8080"], 8080, True),
        (["gallery.lan"], 8080, False), (["gallery.lan:8080"], 80, False), (["lan"], 80, False), ([BAD], 80, False),
    ],
)  # fmt: skip
def test_a_private_host_is_reached_only_where_the_knob_names_it(allowed, port, may, outgoing_knobs):
    inner = Recorded()
    network = GuardedNetwork(outgoing_knobs(allow_hosts=allowed), answers([BAD]), inner)
    if may:
        asyncio.run(network.connect_tcp("gallery.lan", port))
        assert inner.to == [BAD]
    else:
        with pytest.raises(ProblemError):
            asyncio.run(network.connect_tcp("gallery.lan", port))


def test_no_request_goes_to_a_socket_file(outgoing_knobs):
    with pytest.raises(httpcore.ConnectError):
        asyncio.run(GuardedNetwork(outgoing_knobs()).connect_unix_socket("/run/some.sock"))
