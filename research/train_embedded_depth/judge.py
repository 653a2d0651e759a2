"""Figures of networks on generated worlds whose numbers training never sees, for each kind of world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from train_embedded_depth.augment import augment
from train_embedded_depth.generate import Samples, generate
from train_embedded_depth.grow import grow, read_weights
from train_embedded_depth.kinds import HELD_OUT, KINDS
from train_embedded_depth.losses import Truth, pairs
from train_embedded_depth.shards import Shard
from train_embedded_depth.textures import TextureBank
from vistadream.backends.depth.network.model import DepthNet
from vistadream.backends.depth.network.predict import load_net, read
from vistadream.core import Camera

SEED, PER_KIND, SIZE = 4242, 8, (144, 192)
APART, PAIRS = 0.1, 4000
"""Difference of log z above which two points have an order, and the number of pairs drawn in each picture."""
NAMES = ("AbsRel", "wrong pairs", "AbsRel, changed", "wrong pairs, changed", "moved by change", "wrong sky", "expected")
"""`changed`: the same pictures after the augmentation of the training. `moved by change`: mean change of log z.
`expected`: expected error of log z divided by the true one."""


def worlds(folder: Path, names: Sequence[str] = ()) -> Iterator[tuple[str, Samples]]:
    """Kinds, those held out last, with their pictures; generated once, then read from the folder."""
    kinds = {**KINDS, **HELD_OUT}
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or kinds:
        file = folder / f"judge_{name}.pt"
        if not file.exists():
            samples = generate(kinds[name], SEED, PER_KIND, SIZE, TextureBank.paint(SEED))
            torch.save(vars(Shard.of(samples)), file)
        shard = Shard(**torch.load(file, weights_only=True))
        yield name, shard.samples(torch.arange(len(shard.focal)))


def network_of(file: Path) -> DepthNet:
    """Exported weights or those of a checkpoint."""
    if file.suffix == ".safetensors":
        return load_net(file)
    state = torch.load(file, map_location="cpu", weights_only=True)
    net = DepthNet(state["area"], state["depth"], state["blocks"])
    grow(net, read_weights(file))
    return net.eval()


def judge(net: DepthNet, samples: Samples, seed: int = 0) -> list[float]:
    """The figures of NAMES."""
    truth = Truth.of(samples)
    plain, changed = (_said(net, s, truth) for s in (samples, augment(samples, np.random.default_rng(seed))))
    errors = [_errors(said[0], truth) for said in (plain, changed)]
    order = [_wrong(said[0], truth) for said in (plain, changed)]
    moved = (errors[0] - errors[1]).abs().nanmean()
    sky = ((plain[1] > 0) != truth.sky).float().mean()
    expected = plain[2][truth.valid].mean() / errors[0].abs().nanmean()
    figures = (_abs_rel(errors[0]), order[0], _abs_rel(errors[1]), order[1], moved, sky, expected)
    return [float(x) for x in figures]


def _errors(log_z: Tensor, truth: Truth) -> Tensor:
    """Errors of log z with a median of 0 in each picture; NaN where nothing is known."""
    error = torch.where(truth.valid, log_z - truth.log_z, torch.nan)
    return error - error.flatten(1).nanmedian(1).values[:, None, None]


def _said(net: DepthNet, samples: Samples, truth: Truth) -> tuple[Tensor, Tensor, Tensor]:
    """log z, logits of the sky and expected error of log z, as the package reads pictures, at the size of the truth."""
    height, width = samples.rgb.shape[2:]
    found = []
    for rgb, focal, center in zip(samples.rgb, samples.lens.focal, samples.lens.center, strict=True):
        cx, cy = (center * width).tolist()
        camera = Camera.from_focal(float(focal) * width, width, height, (cx, cy))
        said = read(net, rgb.permute(1, 2, 0), camera, focal_known=True)
        maps = torch.stack([said.log_z, said.sky, said.error])[None]
        found.append(F.interpolate(maps, truth.log_z.shape[1:], mode="bilinear")[0])
    log_z, sky, error = torch.stack(found).unbind(1)
    return log_z, sky, error


def _abs_rel(error: Tensor) -> Tensor:
    """Mean relative error of z over all pixels, up to one factor per picture; at most 3 for one pixel."""
    return (error.exp() - 1).abs().clamp(max=3).nanmean()


def _wrong(log_z: Tensor, truth: Truth) -> Tensor:
    """Share of pairs with an order that are in the other one."""
    a, b = pairs(truth, PAIRS)
    found, wanted, valid = (x.flatten(1) for x in (log_z, truth.log_z, truth.valid))
    apart = wanted[:, a] - wanted[:, b]
    counts = valid[:, a] & valid[:, b] & (apart.abs() > APART)
    return (apart.sign() != (found[:, a] - found[:, b]).sign())[counts].float().mean()


def print_figures(folder: Path, files: Sequence[Path], names: Sequence[str] = (), means_only: bool = False) -> None:
    """A table for each network: a row for each kind, then their mean."""
    drawn = list(worlds(folder, names))
    for file in files:
        net = network_of(file)
        rows = {name: judge(net, samples) for name, samples in drawn}
        if not means_only:
            print_head(file.name)
            for name, row in rows.items():
                print_row(name + " (held out)" * (name in HELD_OUT), row)
        print_row(f"{file.name}: mean", np.mean(list(rows.values()), axis=0).tolist())


def print_head(name: str) -> None:
    """The head of a table."""
    print(f"\n| {name} | " + " | ".join(NAMES) + " |\n|" + "---|" * (len(NAMES) + 1))


def print_row(name: str, row: list[float]) -> None:
    """A row of figures."""
    print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in row) + " |", flush=True)
