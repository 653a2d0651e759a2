"""Joins a Ray cluster, or starts one on this machine, and refuses one that lets everybody in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from vistadream.core import UserError
from vistadream.workers.cluster.knobs import ClusterKnobs
from vistadream.workers.cluster.token import token, token_file, use_token

_HERE = "local"
_HOST = "127.0.0.1"
_QUESTION = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""A call that every cluster answers: one with tokens only to those that show theirs."""
_WAIT_S = 10
Load = Callable[[], tuple[Any, Any]]
"""Imports the packages ray and grpc, which read the token's variables at that moment."""


@contextmanager
def joined(load: Load, extra: str, knobs: ClusterKnobs) -> Iterator[Any]:
    """The package ray, connected to the cluster. UserError where it is not installed, or no cluster is to be had.

    `extra` of this package brings what `load` imports.
    """
    address = knobs.address or os.environ.get("RAY_ADDRESS") or _HERE
    if not knobs.insecure:
        use_token(make=address == _HERE)
    try:
        ray, grpc = load()
    except ImportError as error:
        raise UserError(
            f"engine=ray needs the package {error.name or 'ray'}, which is not here; wanted it: pip install "
            f"'vistadream[{extra}]'"
        ) from error
    if address != _HERE:
        check_cluster(grpc, address, knobs.insecure)
    here: dict[str, Any] = {"dashboard_host": _HOST} if address == _HERE else {}
    try:
        ray.init(address, log_to_driver=False, **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UserError(f"Ray does not start at {address}: {first}; wanted it to run: see ray status") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def check_cluster(grpc: Any, address: str, insecure: bool) -> None:
    """UserError where there is no cluster, where it asks for no token unless that is `insecure`, or for another one."""
    answer = _answer(grpc, address)
    if answer == "none":
        raise UserError(
            f"there is no Ray cluster at {address}; wanted one: start it with ray start --head, and check the address"
        )
    if answer == "open" and not insecure:
        raise UserError(
            f"the Ray cluster at {address} lets in everybody who reaches its ports; wanted one that asks for a token: "
            "start its nodes with RAY_AUTH_MODE=token, or say ray.insecure=true on a network of your own"
        )
    if answer == "closed" and _answer(grpc, address, token()) == "closed":
        raise UserError(
            f"the Ray cluster at {address} refuses this token; wanted that of its head node, in {token_file()} here too"
        )


def _answer(grpc: Any, address: str, token: str = "") -> Literal["open", "closed", "none"]:
    """Whether a cluster answers a call with that token, refuses it, or is not there."""
    refused: dict[Any, Literal["closed", "none"]] = {
        grpc.StatusCode.UNAUTHENTICATED: "closed",
        grpc.StatusCode.UNAVAILABLE: "none",
        grpc.StatusCode.DEADLINE_EXCEEDED: "none",
    }
    shown = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(address, options=(("grpc.enable_http_proxy", 0),)) as channel:
        try:
            channel.unary_unary(_QUESTION)(b"", timeout=_WAIT_S, metadata=shown)
        except grpc.RpcError as error:
            return refused.get(error.code(), "open")
    return "open"
