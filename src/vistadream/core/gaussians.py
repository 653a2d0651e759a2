"""A set of 3D Gaussians in physical values: meters, linear scales, opacities and colors in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from vistadream.core.residence import on_device


@dataclass(frozen=True, eq=False)
class Gaussians:
    """n Gaussians. Only the optimizer and the PLY files use logits and logarithms; this class never does."""

    means: Float[Tensor, "n 3"]
    """Centers in the world."""
    quats_wxyz: Float[Tensor, "n 4"]
    """Rotations from each Gaussian's axes to the world; not necessarily normalized."""
    scales: Float[Tensor, "n 3"]
    """Standard deviations along the three axes."""
    opacities: Float[Tensor, "n"]
    """Peak opacities in [0, 1]."""
    colors: Float[Tensor, "n 3"] | Float[Tensor, "n k 3"]
    """RGB in [0, 1], or k = 1, 4, 9, 16 spherical-harmonics coefficients."""

    def __post_init__(self) -> None:
        n = self.means.shape[0]
        wanted = {"means": (n, 3), "quats_wxyz": (n, 4), "scales": (n, 3), "opacities": (n,)}
        for name, shape in wanted.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(f"Gaussians.{name}: shape is {tuple(getattr(self, name).shape)}; wanted {shape}")
        shape = tuple(self.colors.shape)
        if shape != (n, 3) and not (len(shape) == 3 and (shape[0], shape[2]) == (n, 3) and shape[1] in (1, 4, 9, 16)):
            raise ValueError(f"Gaussians.colors: shape is {shape}; wanted ({n}, 3) or ({n}, 1|4|9|16, 3)")

    def __len__(self) -> int:
        return self.means.shape[0]

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The fields by name, in declaration order."""
        return ((f.name, getattr(self, f.name)) for f in fields(self))

    def _map(self, act: Callable[[Tensor], Tensor]) -> Gaussians:
        return Gaussians(**{name: act(tensor) for name, tensor in self.tensors()})

    def subset(self, index: Bool[Tensor, "n"] | Int[Tensor, "m"]) -> Gaussians:
        """The Gaussians that a mask or an index selects."""
        return self._map(lambda t: t[index])

    def to(self, device: torch.device | str) -> Gaussians:
        """The same Gaussians on another device."""
        return on_device(self, device)

    def detach(self) -> Gaussians:
        """The same values without their autograd history."""
        return self._map(torch.Tensor.detach)

    @staticmethod
    def concat(*parts: Gaussians) -> Gaussians:
        """All parts joined, in order."""
        return Gaussians(**{name: torch.cat([getattr(p, name) for p in parts]) for name, _ in parts[0].tensors()})

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> Gaussians:
        """No Gaussians."""
        nothing = (torch.zeros(*shape, device=device) for shape in ((0, 3), (0, 4), (0, 3), (0,), (0, 3)))
        return Gaussians(*nothing)
