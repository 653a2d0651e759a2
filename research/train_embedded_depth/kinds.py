"""The kinds of worlds: who builds each, how it is looked at, and its share of the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from train_embedded_depth import (
    animals,
    bridges,
    cameras,
    closeups,
    groups,
    halls,
    monuments,
    nature,
    outdoors,
    rooms,
    towns,
    views,
)
from train_embedded_depth.cameras import Pose
from train_embedded_depth.world import World


@dataclass(frozen=True)
class Kind:
    """A kind of scene."""

    build: Callable[[Generator], tuple[World, np.ndarray]]
    """The world, and what `aim` needs: the size of the part where a camera may stand, or the camera and its target."""
    aim: Callable[[Generator, World, np.ndarray], Pose]
    weight: float
    """How often, compared with the other kinds."""
    inside: bool = True
    """Lit by lamps rather than by the sun."""
    hilly: bool = False
    """Stands on a heightfield."""
    shallow: bool = False
    """Seen through a lens that is wide open: the background is blurred in most pictures."""
    fov_deg: float = 65.0
    """Mean field of view across."""


KINDS = {
    "room": Kind(rooms.room, cameras.indoors, 0.26),
    "table_top": Kind(rooms.table_top, cameras.at_table, 0.06),
    "street": Kind(outdoors.street, cameras.outdoors, 0.1, inside=False),
    "square": Kind(outdoors.square, cameras.outdoors, 0.08, inside=False),
    "landscape": Kind(outdoors.landscape, cameras.outdoors, 0.07, inside=False, hilly=True),
    "corner": Kind(rooms.room, cameras.close_by, 0.1),
    "kitchen": Kind(rooms.kitchen, cameras.close_by, 0.12),
    "counter_from_above": Kind(rooms.kitchen, cameras.down_at, 0.14),
    "corner_from_above": Kind(rooms.room, cameras.down_at, 0.1),
    "village": Kind(towns.village, cameras.towards, 0.12, inside=False),
    "avenue": Kind(towns.avenue, cameras.towards, 0.1, inside=False),
    "still_life": Kind(closeups.still_life, cameras.towards, 0.14, shallow=True, fov_deg=50),
    "held": Kind(closeups.held, cameras.towards, 0.08, inside=False, shallow=True, fov_deg=50),
    "portrait": Kind(closeups.portrait, cameras.towards, 0.08, inside=False, shallow=True, fov_deg=45),
    "group": Kind(groups.group, cameras.towards, 0.08, inside=False, fov_deg=55),
    "pets": Kind(animals.pets, cameras.towards, 0.1, shallow=True, fov_deg=55),
    "herd": Kind(animals.herd, cameras.towards, 0.05, inside=False, fov_deg=55),
    "flower_field": Kind(nature.flower_field, cameras.towards, 0.06, inside=False, fov_deg=55),
    "forest": Kind(nature.forest, cameras.towards, 0.06, inside=False),
    "lake": Kind(nature.lake, cameras.towards, 0.07, inside=False, fov_deg=60),
    "hall": Kind(halls.hall, cameras.towards, 0.1),
    "bridge_deck": Kind(bridges.deck, cameras.towards, 0.06, inside=False),
    "bridge_side": Kind(bridges.side, cameras.towards, 0.05, inside=False, fov_deg=60),
    "monument": Kind(monuments.monument, cameras.towards, 0.09, inside=False),
    "floor_from_above": Kind(views.floor_from_above, cameras.towards, 0.05),
    "square_from_above": Kind(views.square_from_above, cameras.towards, 0.05, inside=False),
    "ceiling": Kind(views.ceiling, cameras.towards, 0.04),
    "facades_from_below": Kind(views.facades_from_below, cameras.towards, 0.04, inside=False),
    "crowns_from_below": Kind(views.crowns_from_below, cameras.towards, 0.03, inside=False),
}
"""Kinds to train on."""
HELD_OUT = {
    "corridor": Kind(rooms.corridor, cameras.indoors, 0.5),
    "stairwell": Kind(rooms.stairwell, cameras.indoors, 0.5),
}
"""Kinds that training never sees."""
