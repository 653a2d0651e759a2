"""A cluster without a token is refused unless that is asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest

from vistadream.core import UserError
from vistadream.workers.cluster.joining import check_cluster


@pytest.fixture
def open_to_all() -> Iterator[str]:
    """The address of a server that answers every call, as the GCS of a cluster without a token does."""
    grpc = pytest.importorskip("grpc", reason="grpcio, of the extra `ray`, asks the cluster")

    class Answers(grpc.GenericRpcHandler):
        def service(self, details: object) -> object:
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    server = grpc.server(ThreadPoolExecutor(1), handlers=(Answers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_cluster_without_a_token_is_refused_unless_that_is_asked_for(open_to_all: str) -> None:
    grpc = import_module("grpc")
    with pytest.raises(UserError, match="lets in everybody who reaches its ports"):
        check_cluster(grpc, open_to_all, insecure=False)
    check_cluster(grpc, open_to_all, insecure=True)
