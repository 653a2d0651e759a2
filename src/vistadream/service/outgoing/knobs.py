"""The knobs of what the service fetches and sends."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core.knobs import ABOVE_0, Range, check_ranges, require

_PORTS = Range(1, 65535)


@dataclass(frozen=True)
class OutgoingKnobs:
    """The group `outgoing` of conf/serve.yaml, which says what they mean. ValueError for one out of its range."""

    allow_hosts: list[str]
    ports: list[int]
    image_s: float
    webhook_s: float
    webhook_days: float

    def __post_init__(self) -> None:
        check_ranges(self, image_s=ABOVE_0, webhook_s=ABOVE_0, webhook_days=ABOVE_0)
        require(self, "ports", all(map(_PORTS.holds, self.ports)), "numbers from 1 to 65535")

    def is_named(self, host: str, port: int) -> bool:
        """Whether `allow_hosts` names the host, with this port or without a port."""
        named = {name.lower() for name in self.allow_hosts}
        return f"{host}:{port}" in named or (host in named and port in self.ports)
