"""`vistadream serve engine=ray`: the application as replicas of Ray Serve, and workers as actors of the same cluster.

Ray answers for nothing: jobs are in PostgreSQL, files on a shared disk. Any part may be killed, this command included.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vistadream.core import UserError
from vistadream.service.access.keys import Keys
from vistadream.service.access.open_door import refuse_open_door, tokens_of
from vistadream.service.address import Listener, listen
from vistadream.service.cluster.crew import Crew
from vistadream.service.cluster.replica import replica
from vistadream.service.cluster.setting import Setting, setting_of
from vistadream.service.knobs import ServeKnobs
from vistadream.service.parts import log_folder, swept
from vistadream.service.problems import LOG
from vistadream.service.queue.store import Store
from vistadream.service.watch.logs import set_up
from vistadream.workers.cluster.joining import joined
from vistadream.workers.cluster.places import Place, places_of

_NAME = "vistadream"
_LOOK_S = 1.0
_AT_ONCE = 1000
"""Requests of one replica, open streams among them; further ones wait."""
_REQUESTS_END_WITHIN_S = 3.0
_PATIENT = {"runtime_env": {"env_vars": {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}}}
"""Where workers use all cores, the process that listens takes longer to start than the 5 s that it would have."""
_QUIET = {"enable_access_log": False}
"""Addresses may hold tickets."""


def serve(knobs: ServeKnobs) -> None:
    """Serves until a signal comes. UserError where the cluster, the address, the queue or the folder cannot be used."""
    setting = setting_of(knobs)
    tokens_of(knobs)  # a key file that cannot be read is refused before a cluster is started
    refuse_open_door(knobs, setting.url)
    setting.data.make()
    with setting.data.alone(), joined(_packages, "ray-serve", knobs.ray) as ray, _asked_to_end() as asked:
        set_up(knobs.log_level, log_folder(setting.knobs) / "serve.log")
        _end_those_of_before()
        store = swept(setting.knobs, setting.data, setting.url)
        with _replicas(setting) as listener:
            _say_where(knobs, listener, store)
            _keep_workers(ray, setting, store, asked)
        store.close()


def _packages() -> tuple[Any, Any]:
    import grpc
    import ray
    import ray.serve

    return ray, grpc


def _end_those_of_before() -> None:
    """Ends replicas that outlived a driver that was killed. UserError where the cluster serves something else."""
    from ray import serve

    if others := serve.status().applications.keys() - {_NAME}:
        names = ", ".join(sorted(others))
        raise UserError(f"Ray Serve runs {names} on this cluster already; wanted a cluster without other applications")
    serve.shutdown()


@contextmanager
def _replicas(setting: Setting) -> Iterator[Listener]:
    """Ray Serve with the application; where it listens. UserError where it cannot listen there."""
    from ray import serve

    listener = listen(setting.knobs)
    port = listener.sock.getsockname()[1]
    listener.close()  # it was free, and a process of Ray binds it again
    setting.closing.unlink(missing_ok=True)
    try:
        _start(setting, port)
        yield listener
    finally:
        setting.closing.touch()
        serve.shutdown()


def _start(setting: Setting, port: int) -> None:
    """UserError where the proxy or the replicas do not start."""
    from ray import serve
    from ray.exceptions import RayError

    try:
        where = {"host": setting.knobs.host, "port": port}
        serve.start(proxy_location="EveryNode", http_options=where, controller_options=_PATIENT, logging_config=_QUIET)
        serve.run(_application(setting), name=_NAME, logging_config=_QUIET)
    except (RayError, RuntimeError, TimeoutError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UserError(
            f"Ray Serve does not start: {first}; wanted vistadream on every node, and the folder and the database "
            "within its reach: the files in serve/ of Ray's logs say more"
        ) from error


def _application(setting: Setting) -> Any:
    from ray import serve

    def application() -> Any:
        return replica(setting)

    @serve.deployment(
        name=_NAME,
        num_replicas=setting.knobs.ray.replicas,
        max_ongoing_requests=_AT_ONCE,
        graceful_shutdown_timeout_s=_REQUESTS_END_WITHIN_S,
        ray_actor_options={"num_cpus": 0},
    )
    @serve.ingress(application)
    class Ingress:
        """The application is all that there is to it."""

    ingress: Any = Ingress
    return ingress.bind()


def _say_where(knobs: ServeKnobs, listener: Listener, store: Store) -> None:
    needs_key = knobs.is_exposed or knobs.jwt.key_file is not None or Keys(store.database).are_there()
    sys.stdout.write("".join(f"{line}\n" for line in listener.remarks(needs_key)))
    sys.stdout.flush()


class _Asked:
    """How often somebody asked for the end."""

    def __init__(self) -> None:
        self.first, self.second = threading.Event(), threading.Event()

    def once_more(self, *_: object) -> None:
        """The handler of signals."""
        (self.second if self.first.is_set() else self.first).set()


@contextmanager
def _asked_to_end() -> Iterator[_Asked]:
    """Signals ask for the end in the block; Ray has handlers of its own, which are put back."""
    asked = _Asked()
    before = {number: signal.signal(number, asked.once_more) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep_workers(ray: Any, setting: Setting, store: Store, asked: _Asked) -> None:
    """Until somebody asks for the end; then no more jobs are taken, and those that run have their time."""

    def places() -> list[Place]:
        return places_of(ray.nodes(), setting.knobs.ray, setting.knobs.workers)

    places()  # a UserError at the start is one of the words
    crew = Crew(ray, setting, store, places)
    while not asked.first.wait(_LOOK_S):
        try:
            crew.look()
        except Exception:  # such as a database that is away for a moment
            LOG.exception("the workers could not be looked after; another try follows")
    setting.closing.touch()
    crew.stop(setting.knobs.drain_s, asked.second.is_set)
