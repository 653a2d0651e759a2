"""What stands in the room. Each piece is built around its own origin on the floor, facing +z."""

from __future__ import annotations

import math
import random

from sample_room.build import Builder, Material, rotation, srgb
from sample_room.textures import CHECK, LEAF, RUG, SPINE, STRIPES, WEAVE, WOOD

OAK = Material(srgb("b98a5a"), WOOD, srgb("8f6238"), gloss=0.5, roughness=0.12)
WALNUT = Material(srgb("7a4d2e"), WOOD, srgb("4a2c19"), gloss=0.6, roughness=0.1)
BRASS = Material(srgb("b08d4a"), gloss=1.0, roughness=0.1)
BLACK = Material(srgb("26262a"), gloss=0.5, roughness=0.15)
WHITE_CLAY = Material(srgb("e6e0d5"), gloss=0.6, roughness=0.05)
BLUE_CLAY = Material(srgb("38596b"), gloss=0.8, roughness=0.04)
TERRACOTTA = Material(srgb("b5643f"))
PAPER = Material(srgb("ece5d6"))
_COVERS = [
    *("7d2e2a", "2f4a5c", "c8a24a", "3f5d49", "8a8f94", "d9cfbb", "5a3a55"),
    *("b5643f", "24323f", "a33f2f", "6f7f5c", "e0b878", "35605f", "48352c"),
]


def sofa(b: Builder) -> None:
    cloth = Material(srgb("5c7f7c"), WEAVE, srgb("3d5b5b"))
    b.cushion((0, 0.26, 0), (1.05, 0.13, 0.44), 0.04, cloth)
    for side in (-1, 1):
        b.cushion((0.49 * side, 0.45, 0.05), (0.475, 0.095, 0.42), 0.07, cloth)
        b.cushion((0.49 * side, 0.73, -0.27), (0.465, 0.25, 0.11), 0.10, cloth, rotation(x=-14))
        b.cushion((1.10 * side, 0.42, 0), (0.11, 0.21, 0.46), 0.08, cloth)
        for z in (-0.36, 0.36):
            b.frustum((0.96 * side, 0.0, z), (0.96 * side, 0.14, z), 0.018, WALNUT, taper=1.5)
    b.cushion((0, 0.58, -0.40), (1.05, 0.30, 0.07), 0.05, cloth)
    mustard = Material(srgb("c08c2c"), WEAVE, srgb("a0741f"))
    striped = Material(srgb("e4dac6"), STRIPES, srgb("7c3d2a"))
    checked = Material(srgb("d9cdb6"), CHECK, srgb("46606b"))
    b.cushion((-0.74, 0.70, -0.02), (0.22, 0.21, 0.075), 0.07, mustard, rotation(x=-20, y=14, z=6))
    b.cushion((0.70, 0.70, -0.02), (0.22, 0.22, 0.075), 0.07, striped, rotation(x=-20, y=-16, z=-4))
    b.cushion((0.38, 0.66, 0.10), (0.19, 0.17, 0.07), 0.065, checked, rotation(x=-24, y=-6, z=9))


def armchair(b: Builder) -> None:
    cloth = Material(srgb("c46a45"), WEAVE, srgb("9c4a2c"))
    b.cushion((0, 0.40, 0.02), (0.31, 0.085, 0.33), 0.06, cloth)
    b.cushion((0, 0.74, -0.30), (0.30, 0.32, 0.075), 0.07, cloth, rotation(x=-13))
    b.box((0, 0.30, 0.0), (0.33, 0.018, 0.34), OAK)
    for side in (-1, 1):
        x = 0.36 * side
        b.frustum((x, 0.0, 0.36), (x, 0.58, 0.31), 0.016, OAK, taper=1.3)
        b.frustum((x, 0.0, -0.38), (x, 0.60, -0.30), 0.016, OAK, taper=1.3)
        b.cushion((x, 0.595, 0.02), (0.035, 0.016, 0.38), 0.015, OAK, rotation(x=2))
        b.frustum((x, 0.30, 0.34), (x, 0.30, -0.34), 0.014, OAK)


def coffee_table(b: Builder) -> None:
    b.frustum((0, 0.40, 0), (0, 0.435, 0), 0.52, WALNUT)
    for k in range(3):
        c, s = math.cos(2.1 * k + 0.5), math.sin(2.1 * k + 0.5)
        b.frustum((0.42 * c, 0, 0.42 * s), (0.26 * c, 0.40, 0.26 * s), 0.016, WALNUT, taper=1.6)
    top = 0.435
    for i, (half_x, half_z, code, turn) in enumerate([(0.15, 0.11, "31515f", 20), (0.13, 0.10, "d8cbb2", 34)]):
        y = top + 0.018 + 0.037 * i
        b.box((-0.21, y, 0.06), (half_x, 0.0135, half_z), PAPER, rotation(y=turn))
        for cover in (-0.016, 0.016):
            cloth = Material(srgb(code), WEAVE, srgb("8c8474"))
            b.box((-0.21, y + cover, 0.06), (half_x + 0.004, 0.0025, half_z + 0.004), cloth, rotation(y=turn))
    b.frustum((-0.19, top + 0.074, 0.05), (-0.19, top + 0.156, 0.05), 0.034, WHITE_CLAY, taper=1.15)
    b.frustum((-0.19, top + 0.1561, 0.05), (-0.19, top + 0.157, 0.05), 0.034, Material(srgb("3a2415"), gloss=1.0), 1.0)
    b.frustum((0.18, top, -0.10), (0.18, top + 0.075, -0.10), 0.075, BLUE_CLAY, taper=1.9, open_ends=True)
    b.frustum((0.18, top, -0.10), (0.18, top + 0.01, -0.10), 0.075, BLUE_CLAY)
    orange = Material(srgb("e07a1f"), WEAVE, srgb("cf6414"), gloss=0.7, roughness=0.12)
    for x, y, z in ((0.14, 0.055, -0.13), (0.225, 0.057, -0.13), (0.18, 0.055, -0.045), (0.183, 0.115, -0.105)):
        b.sphere((x, top + y, z), (0.043, 0.041, 0.043), orange)
    vase(b, 0.10, top, 0.22)


def vase(b: Builder, x: float, y: float, z: float) -> None:
    """A round vase with dry twigs."""
    b.sphere((x, y + 0.085, z), (0.07, 0.085, 0.07), WHITE_CLAY)
    b.frustum((x, y + 0.14, z), (x, y + 0.20, z), 0.036, WHITE_CLAY, taper=0.75)
    rng = random.Random(8)
    for _ in range(11):
        angle, lean, height = rng.uniform(0, 6.3), rng.uniform(0.03, 0.13), rng.uniform(0.16, 0.3)
        tip = (x + lean * math.cos(angle), y + 0.2 + height, z + lean * math.sin(angle))
        b.frustum((x, y + 0.18, z), tip, 0.0022, Material(srgb("a08a5c")), taper=0.6)
        for step in (0.75, 0.88, 1.0):
            bud = tuple(o + step * (t - o) for o, t in zip((x, y + 0.18, z), tip, strict=True))
            b.sphere(bud, (0.011, 0.019, 0.011), Material(srgb("d9b38c")))


def pouf(b: Builder) -> None:
    knit = Material(srgb("cfc4b0"), STRIPES, srgb("a99a84"))
    b.sphere((0, 0.19, 0), (0.29, 0.19, 0.29), knit)


def rug(b: Builder) -> None:
    ground = Material(srgb("ddd2bd"), RUG, srgb("c08a3e"))
    b.box((0, 0.007, 0), (1.45, 0.007, 1.05), ground)
    for side in (-1, 1):
        for k in range(72):
            z = -1.03 + k * 0.029
            b.frustum((1.45 * side, 0.006, z), (1.50 * side, 0.003, z + 0.004), 0.004, PAPER, taper=0.7)


def floor_lamp(b: Builder) -> None:
    b.frustum((0, 0, 0), (0, 0.02, 0), 0.15, BLACK)
    b.frustum((0, 0.02, 0), (0, 1.42, 0), 0.010, BRASS)
    shade = Material(srgb("f6dcae"), WEAVE, srgb("f0cf98"), emission=1.6)
    b.frustum((0, 1.36, 0), (0, 1.66, 0), 0.21, shade, taper=0.72, open_ends=True)


def plant(b: Builder) -> None:
    """A rubber plant in a clay pot: stems from the pot, leaves along each stem in a spiral."""
    b.frustum((0, 0, 0), (0, 0.34, 0), 0.15, TERRACOTTA, taper=1.3)
    b.frustum((0, 0.29, 0), (0, 0.345, 0), 0.205, TERRACOTTA, taper=1.03)
    b.frustum((0, 0.3451, 0), (0, 0.3455, 0), 0.18, Material(srgb("3b2a1e")))
    blade = Material(srgb("2f5e35"), LEAF, srgb("76a05a"), gloss=0.9, roughness=0.12)
    young = Material(srgb("4c8040"), LEAF, srgb("9cc070"), gloss=0.9, roughness=0.12)
    rng = random.Random(5)
    for stem in range(5):
        heading = stem * 1.257 + rng.uniform(-0.3, 0.3)
        height, lean = rng.uniform(0.8, 1.35), rng.uniform(0.10, 0.26)
        root = (0.05 * math.cos(heading), 0.33, 0.05 * math.sin(heading))
        tip = (lean * math.cos(heading), 0.33 + height, lean * math.sin(heading))
        b.frustum(root, tip, 0.011, Material(srgb("5b4a32")), taper=0.5)
        for k in range(12):
            s = 0.22 + 0.78 * k / 11
            yaw, pitch = math.degrees(heading) + 137.5 * k, 34 - 52 * (1 - s) + rng.uniform(-9, 9)
            size = rng.uniform(0.105, 0.15) * (1.15 - 0.4 * s)
            turn = rotation(y=yaw) @ rotation(z=pitch)
            node = [r + s * (t - r) for r, t in zip(root, tip, strict=True)]
            center = [n + (size + 0.03) * axis for n, axis in zip(node, turn[:, 0], strict=True)]
            leaf = young if s > 0.85 else blade
            b.sphere(center, (size, 0.006, size * 0.52), leaf, turn @ rotation(x=rng.uniform(-20, 20)))
            b.frustum(node, [n + 0.05 * axis for n, axis in zip(node, turn[:, 0], strict=True)], 0.004, young)


def bookshelf(b: Builder) -> None:
    """Five boards of books and small things, 1.5 m wide."""
    width, depth, levels = 0.75, 0.15, [0.10, 0.48, 0.86, 1.24, 1.62]
    for side in (-1, 1):
        b.box((width * side, 1.0, 0), (0.013, 1.0, depth), OAK)
    for y in (*levels, 1.99):
        b.box((0, y, 0), (width, 0.012, depth), OAK)
    b.box((0, 1.0, -depth + 0.004), (width, 1.0, 0.004), OAK)
    rng = random.Random(3)
    for level, y in enumerate(levels):
        _books(b, rng, y + 0.012, -width + 0.02, width - (0.5 if level % 2 else 0.25))
    b.sphere((0.57, 0.60, 0), (0.105, 0.105, 0.105), BLUE_CLAY)
    b.frustum((0.48, 1.252, 0), (0.48, 1.33, 0), 0.05, TERRACOTTA, taper=1.3)
    for k in range(14):
        turn = rotation(y=26.0 * k, z=35 + 17 * (k % 3))
        b.sphere([0.48 + 0.07 * turn[0, 0], 1.34 + 0.07 * turn[1, 0], 0.07 * turn[2, 0]], (0.075, 0.005, 0.018),
                 Material(srgb("5f8f4e"), LEAF, srgb("a5c083")), turn)  # fmt: skip
    b.frustum((0.62, 1.632, 0), (0.62, 1.80, 0), 0.055, WHITE_CLAY, taper=0.5)
    b.cushion((0.60, 0.17, 0.02), (0.11, 0.06, 0.10), 0.02, Material(srgb("c9b089"), WEAVE, srgb("9b8158")))
    b.box((0.56, 0.94, 0), (0.10, 0.065, 0.012), WALNUT, rotation(x=-12))


def _books(b: Builder, rng: random.Random, y: float, start: float, end: float) -> None:
    gilt = srgb("d9bd7c")
    x = start
    while x < end:
        thickness, height, reach = rng.uniform(0.009, 0.024), rng.uniform(0.10, 0.158), rng.uniform(0.085, 0.12)
        cover = Material(srgb(rng.choice(_COVERS)), SPINE, gilt, gloss=0.2, roughness=0.2)
        lean = rotation(z=rng.choice([0, 0, 0, 0, 0, -3, 2]))
        b.box((x + thickness, y + height, 0.13 - reach), (reach, height, thickness), cover, lean @ rotation(y=90))
        x += 2 * thickness + 0.002
