"""The cluster on which a service runs."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core.knobs import FROM_1, check_ranges
from vistadream.workers.cluster.knobs import ClusterKnobs


@dataclass(frozen=True)
class ServeClusterKnobs(ClusterKnobs):
    """The group `ray` of conf/serve.yaml, which says what the values mean. ValueError for one out of its range."""

    replicas: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, replicas=FROM_1)
