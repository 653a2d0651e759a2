"""What is known of a model, as data for JSON."""

from __future__ import annotations

from typing import Any

from vistadream.backends.weights.table import Model


def facts_of(model: Model) -> dict[str, Any]:
    """Name, role, origin, license, size and memory of a model."""
    memory = model.memory
    return {
        "name": model.name,
        "role": model.role,
        "repository": model.repository,
        "revision": model.revision,
        "license": model.license.name,
        "license_url": model.license.url,
        "commercial": model.license.commercial,
        "gated": model.gated,
        "bytes_about": model.bytes_about,
        "memory_gb_about": {"high": memory.high, "balanced": memory.balanced, "low": memory.low},
        "alternatives": model.alternatives,
    }
