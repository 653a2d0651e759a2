"""The hard rule: a continuous surface is not a pile of thin sheets, so nothing may pull a Gaussian flat.

Published regularizers of that kind, whose names are known here: PGSR's scale_loss_weight on the smallest scale,
DN-Splatter's scale loss and two_d_gaussians, SuGaR's flatness, gsplat's z_scale_reg, 2DGS' surfels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ALWAYS = re.compile(r"thinness|flatness|flatten|scale_loss|surfel|(2|two)_?d(_?gs|_gaussian)")
"""Says it all by itself."""
_THIN = re.compile(r"_(thin(?![gk])|thick|flat|slab|(min|smallest)_(scale|axis)|scale_(min|z)_|z_scale)")
_PULL = re.compile(r"loss|weight|regulari|penal|lambda|constrain|_(reg|regs|lam|prior|term|terms|cost|objective)_")
"""With _THIN in the same path: something that pulls. An initial thickness or a thin hole does not."""
_HOLES = re.compile(r"_thin_holes?_")


def flattening_knob(config: Mapping[str, Any]) -> str | None:
    """Dotted path of the first knob in a nested configuration that names a loss, weight or regularizer of thinness,
    thickness or flatness, wherever it stands; None when there is none.

    A name counts as a key, as a `_target_`, as an item of a list, and as the value of a key that speaks of a loss.
    """
    return next((path for path, name in _names(config) if _flattens(_snake(name))), None)


def _flattens(name: str) -> bool:
    name = _HOLES.sub("_", name)
    return bool(_ALWAYS.search(name) or (_THIN.search(name) and _PULL.search(name)))


def _snake(path: str) -> str:
    """`stages.refine.flatLoss` -> `_stages_refine_flat_loss_`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", path).lower()
    return f"_{re.sub(r'[^a-z0-9]+', '_', parted)}_"


def _names(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every path and what to read of it: itself, and with its value where that is a name too."""
    yield path, path
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _names(value, f"{path}.{key}".lstrip("."))
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for i, value in enumerate(node):
            yield from _names(value, f"{path}[{i}]")
    elif isinstance(node, str) and _is_name(path, node):
        yield path, f"{path}.{node}"


def _is_name(path: str, value: str) -> bool:
    """Whether a knob's text names a part of the program; neither a sentence nor a file in a folder does."""
    return bool(re.fullmatch(r"[\w.]+", value)) and (
        path.endswith(("_target_", "]")) or bool(_PULL.search(_snake(path)))
    )
