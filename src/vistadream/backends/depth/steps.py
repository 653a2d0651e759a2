"""Makes soft steps of depth hard: a network's depth changes over several pixels where one thing hides another."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from vistadream.ops.holes.nearest import nearest_known

RADIUS = 0.02
"""Half the side of a window, as a fraction of the long side: wider than a soft step."""
WIDER = 3
"""Side of the larger window, in sides of the window. On a plane, disparities vary three times as much there; around
a step, about as much."""
LEAST, FULL = 0.1, 0.25
"""Ranges of log z in a window below which nothing is a step, and from which on a step is made as hard as can be."""
HARDNESS, PASSES = 4.0, 3
"""Of the S-shaped curve through a step, and how often it is applied."""


def harden_steps(log_z: Float[Tensor, "h w"], land: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """The log z of the land with its soft steps made hard; what is not land keeps its value.

    At a step, a disparity moves away from the middle between the smallest and the largest in its window. Planes, on
    which disparity is linear, are told apart by how fast the range grows with the window, and stay as they are.
    """
    if not bool(land.any()):
        return log_z
    row, column = np.moveaxis(nearest_known(land.numpy()), -1, 0)
    disparity = np.exp(-log_z.numpy()[row, column])  # the sky continues the land, so that it makes no step in it
    radius = max(1, round(RADIUS * max(disparity.shape)))
    for _ in range(PASSES):
        low, high = _range(disparity, radius)
        middle, half = (high + low) / 2, np.maximum((high - low) / 2, 1e-9)
        place = (disparity - middle) / half
        harder = np.tanh(np.float32(HARDNESS / 2) * place) / np.float32(math.tanh(HARDNESS / 2))
        disparity += _stepness(disparity, low, high, radius) * (harder - place) * half
    return torch.where(land, -torch.log(torch.from_numpy(disparity)), log_z)


def _range(x: Float[ndarray, "h w"], radius: int) -> tuple[Float[ndarray, "h w"], Float[ndarray, "h w"]]:
    """The smallest and the largest value within `radius` pixels along both axes."""
    window = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return cv2.erode(x, window), cv2.dilate(x, window)


def _stepness(
    disparity: Float[ndarray, "h w"], low: Float[ndarray, "h w"], high: Float[ndarray, "h w"], radius: int
) -> Float[ndarray, "h w"]:
    """1 at steps, 0 on planes and where log z hardly varies."""
    border = WIDER * radius
    inside = slice(border, border + disparity.shape[0]), slice(border, border + disparity.shape[1])
    padded = _padded(disparity, border)
    near, far = ((bound[1] - bound[0])[inside] for bound in (_range(padded, radius), _range(padded, border)))
    bent = np.clip((WIDER * near - far) / ((WIDER - 1) * np.maximum(near, 1e-9)), 0, 1)
    tall = np.clip((np.log(high / low) - LEAST) / (FULL - LEAST), 0, 1)
    side = 2 * radius + 1
    return cv2.blur(bent * tall, (side, side))


def _padded(x: Float[ndarray, "h w"], px: int) -> Float[ndarray, "H W"]:
    """With a border that continues slopes: the mirror image, turned around the value at the border."""
    return np.pad(x, px, mode="reflect", reflect_type="odd")
