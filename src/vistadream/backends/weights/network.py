"""The environment's network settings, for the hub's library and for plain HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Network
from typing import Any
from urllib.request import getproxies

import httpx

from vistadream.core import UserError

_CERTIFICATES = (("SSL_CERT_FILE", "file", os.path.isfile), ("SSL_CERT_DIR", "folder", os.path.isdir))


@contextmanager
def checked_settings() -> Iterator[None]:
    """Context for downloads. UserError names the environment variable from which no HTTP client can be made.

    Inside the block, NO_PROXY has no IPv6 networks: httpx takes them for addresses and fails. They would match only
    hosts that are given as an IPv6 address. Blanks around HF_ENDPOINT are removed: the hub's library reads it when it
    is imported.
    """
    usable: dict[str, Callable[[str], str]] = {
        "NO_PROXY": _without_ipv6_networks,
        "no_proxy": _without_ipv6_networks,
        "HF_ENDPOINT": str.strip,
    }
    given = {name: os.environ[name] for name in usable if name in os.environ}
    os.environ.update({name: usable[name](value) for name, value in given.items()})
    try:
        client().close()
        yield
    finally:
        os.environ.update(given)


def client(**options: Any) -> httpx.Client:
    """An HTTP client with the environment's proxies and certificates. UserError names a variable that is not usable."""
    for name, kind, is_there in _CERTIFICATES:
        if (path := os.environ.get(name)) and not is_there(path):
            raise UserError(
                f"{name}={path} is not there; wanted the {kind} with the certificates to trust, or no {name}"
            )
    try:
        return httpx.Client(**options)
    except (ValueError, httpx.InvalidURL) as error:
        raise UserError(
            f"{_unreadable_variable()} cannot be read: {error}; wanted http://HOST:PORT, socks5://HOST:PORT or "
            "socks5h://HOST:PORT in HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, and host names or addresses in NO_PROXY"
        ) from error
    except OSError as error:
        raise UserError(
            f"trusted certificates cannot be read ({error}); wanted a PEM file in SSL_CERT_FILE, or no SSL_CERT_FILE"
        ) from error


def _unreadable_variable() -> str:
    for kind in ("http", "https", "all"):
        address = getproxies().get(kind)
        try:
            if address:
                httpx.Proxy(address if "://" in address else f"http://{address}")
        except (ValueError, httpx.InvalidURL):
            return f"{kind.upper()}_PROXY"
    return "NO_PROXY"


def _without_ipv6_networks(hosts: str) -> str:
    return ",".join(host for host in hosts.split(",") if not _is_ipv6_network(host.strip()))


def _is_ipv6_network(host: str) -> bool:
    try:
        IPv6Network(host, strict=False)
    except ValueError:
        return False
    return "/" in host
