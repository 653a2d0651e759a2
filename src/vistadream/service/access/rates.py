"""How many requests a minute are answered: by class of route, for each key, or for each address without one."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from vistadream.service.access.knobs import LimitKnobs
from vistadream.service.access.scopes import Kind
from vistadream.service.problems import ProblemError

_WINDOW_S = 60
_FAILURES = "failures"
_NETWORK_BITS = 64
"""One customer usually has this much of an IPv6 address for himself."""


class Rates:
    """The requests of the last minute, in memory."""

    def __init__(self, knobs: LimitKnobs):
        most = {
            "read": knobs.read_per_minute,
            "submit": knobs.submit_per_minute,
            "admin": knobs.admin_per_minute,
            _FAILURES: knobs.failures_per_minute,
        }
        self._limits = {kind: RateLimitItemPerMinute(n) for kind, n in most.items() if n is not None}
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, kind: Kind, name: str) -> dict[str, str]:
        """Counts a request; headers that say how many more are answered. ProblemError 429 where there are no more."""
        return await self._hit(kind, name, "requests")

    async def count_failure(self, address: str) -> None:
        """Counts a wrong key; ProblemError 429 where there were too many. Right ones are answered all the same."""
        await self._hit(_FAILURES, address, "wrong keys")

    async def _hit(self, kind: str, name: str, what: str) -> dict[str, str]:
        if (limit := self._limits.get(kind)) is None:
            return {}
        taken = await self._limiter.hit(limit, kind, name)
        stats = await self._limiter.get_window_stats(limit, kind, name)
        wait_s = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"{kind}";q={limit.amount};w={_WINDOW_S}',
            "RateLimit": f'"{kind}";r={stats.remaining};t={wait_s}',
        }
        if taken:
            return headers
        detail = f"too many {what}; wanted at most {limit.amount} a minute: send the next one in {wait_s} s"
        raise ProblemError(429, detail, headers={"Retry-After": str(wait_s), **headers})


def network_of(address: str) -> str:
    """The address, or of IPv6 the network that one customer has: whoever has many addresses counts once."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or (mapped := parsed.ipv4_mapped) is not None:
        return str(parsed if isinstance(parsed, ipaddress.IPv4Address) else mapped)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
