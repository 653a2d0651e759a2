"""The knobs of batches."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core.knobs import ABOVE_0, FROM_1, Range, check_ranges


@dataclass(frozen=True)
class BatchKnobs:
    """The group `batches` of conf/serve.yaml, which says what the values mean."""

    max_upload_mb: float
    max_files: int
    max_unpacked_mb: float
    max_ratio: float

    def __post_init__(self) -> None:
        check_ranges(self, max_upload_mb=ABOVE_0, max_files=Range(1, 10_000), max_unpacked_mb=ABOVE_0, max_ratio=FROM_1)
