"""engine=ray: a Ray cluster that is joined, or one that is started on this machine."""

from __future__ import annotations

from typing import Any

from vistadream.batch.batch import Batch
from vistadream.batch.engines.ray_driver import RayDriver
from vistadream.batch.knobs import Knobs
from vistadream.batch.storage import Storage
from vistadream.workers.cluster.joining import joined


class RayEngine:
    """One resident actor on each device of the cluster. The disk says what is done, and Ray is trusted with nothing."""

    def run(self, batch: Batch, storage: Storage, knobs: Knobs) -> None:
        if not batch.has_begun():
            return
        with joined(_packages, "ray", knobs.ray) as ray:
            RayDriver(ray, batch, knobs).drive()


def _packages() -> tuple[Any, Any]:
    import grpc
    import ray

    return ray, grpc
