"""How well are kinds of worlds read that the training left out? Short trainings with and without each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from train_embedded_depth.batches import Pool
from train_embedded_depth.judge import judge, network_of, print_head, print_row, worlds
from train_embedded_depth.shards import read_shards
from train_embedded_depth.train import Recipe, Trainer
from vistadream.backends.depth.network.model import DepthNet


def print_left_out(folder: Path, start: Path, judged: Path, recipe: Recipe, kinds: Sequence[str]) -> None:
    """For each kind a row of the start, of a training with all kinds, and of one without this kind."""
    print_head(start.name)
    before, trained = network_of(start), _trained(folder, start, recipe)
    for name, samples in worlds(judged, kinds):
        without = _trained(folder, start, recipe, (name,))
        for what, net in (("before", before), ("trained with it", trained), ("trained without it", without)):
            print_row(f"{name}, {what}", judge(net, samples))


def _trained(folder: Path, start: Path, recipe: Recipe, without: tuple[str, ...] = ()) -> DepthNet:
    """The averaged weights at the end of a training."""
    trainer = Trainer(recipe)
    trainer.begin_with(start)
    for _ in trainer.run(Pool.of(read_shards(folder, without=without))):
        pass
    trainer.averaged.area = trainer.net.area
    return trainer.averaged.eval()
