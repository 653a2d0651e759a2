"""Generate worlds, train the embedded depth network on them, judge and export it.

python research/train_embedded_depth generate --folder worlds --last 800

python research/train_embedded_depth train --folder worlds --checkpoint small.pt --halved

python research/train_embedded_depth train --folder worlds --checkpoint net.pt --start small.pt --recipe.ease 0

python research/train_embedded_depth export --checkpoint net.pt

python benchmarks/depth.py

A run that was stopped goes on with the same words; more --recipe.steps make it longer. Several processes may generate
shards of their own, from --first to --last. A GPU: --recipe.device cuda --painters 14.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from train_embedded_depth.batches import Pool
from train_embedded_depth.export import export
from train_embedded_depth.judge import print_figures
from train_embedded_depth.leave_out import print_left_out
from train_embedded_depth.shards import read_shards, write_shard
from train_embedded_depth.sheet import picture, readings, sheet
from train_embedded_depth.train import Recipe, Trainer


@dataclass(frozen=True)
class Generate:
    """Writes shards of pictures with their truth; those that are there stay."""

    folder: Path
    first: int = 0
    last: int = 800
    """One past the last shard."""
    scale: float = 1.0
    """Size of the pictures compared with about 96x128."""

    def __call__(self) -> None:
        for number in range(self.first, self.last):
            write_shard(self.folder, number, scale=self.scale)


@dataclass(frozen=True)
class Train:
    """Trains, or goes on training, on the shards of a folder."""

    folder: Path
    checkpoint: Path
    """Read first where it exists; written every `save_every` steps and at the end."""
    recipe: Recipe = field(default_factory=Recipe)
    start: Path | None = None
    """A checkpoint or exported weights to start from where `checkpoint` does not exist yet."""
    halved: bool = False
    """On pictures of half the size, 48x64: several times as many in the same time, for a beginning."""
    painters: int = 1
    """Threads that paint the coming batches; a GPU wants most of the cores for them."""
    without: tuple[str, ...] = ()
    """Kinds of worlds to leave out, for judging the network on kinds that it did not see."""
    minutes: float = float("inf")
    """Stop after that long."""
    save_every: int = 200

    def __call__(self) -> None:
        trainer = Trainer(self.recipe)
        if self.checkpoint.exists():
            trainer.load(self.checkpoint)
        elif self.start:
            trainer.begin_with(self.start)
        pool = Pool.of(read_shards(self.folder, without=self.without), self.halved)
        _log(trainer, trainer.run(pool, self.minutes, self.painters), self.checkpoint, self.save_every)
        trainer.save(self.checkpoint)


@dataclass(frozen=True)
class Export:
    """Writes the averaged weights of a checkpoint as the package ships them."""

    checkpoint: Path
    out: Path = Path("src/vistadream/backends/depth/network/weights.safetensors")
    start: Path | None = None
    """Weights that the training started from, to be mixed in."""
    share: float = 0.3
    """Of `start` in the mixture."""

    def __call__(self) -> None:
        export(self.checkpoint, self.out, self.start, self.share)


@dataclass(frozen=True)
class Judge:
    """Prints figures of exported weights or checkpoints for each kind of world, on worlds of its own numbers."""

    files: tuple[Path, ...]
    worlds: Path = Path("judged_worlds")
    """Folder of the generated pictures; written by the first call."""
    kinds: tuple[str, ...] = ()
    """Only these kinds."""
    means_only: bool = False

    def __call__(self) -> None:
        print_figures(self.worlds, self.files, self.kinds, self.means_only)


@dataclass(frozen=True)
class LeaveOut:
    """Prints how well each of some kinds is read before and after short trainings with it and without it."""

    folder: Path
    start: Path
    """Weights that never saw these kinds."""
    kinds: tuple[str, ...]
    recipe: Recipe = field(default_factory=lambda: Recipe(steps=300, rate=5e-4, warmup=30, average=0.98, ease=0))
    worlds: Path = Path("judged_worlds")

    def __call__(self) -> None:
        print_left_out(self.folder, self.start, self.worlds, self.recipe, self.kinds)


@dataclass(frozen=True)
class Sheet:
    """Draws a contact sheet of generated worlds over their disparity."""

    out: Path
    seed: int = 1
    kinds: tuple[str, ...] = ()
    """Eight larger pictures of each of these kinds, rather than two of every kind."""
    readings: bool = False
    """Fewer worlds, with what layout, network and both make of them."""

    def __call__(self) -> None:
        if self.readings:
            readings(self.out, self.seed)
        elif self.kinds:
            sheet(self.out, self.seed, self.kinds, count=8, across=1, size=(144, 192))
        else:
            sheet(self.out, self.seed)


@dataclass(frozen=True)
class Picture:
    """Draws one generated world as a photo, with its focal length in EXIF. The default is the street of the README."""

    out: Path
    kind: str = "street"
    seed: int = 8
    texture_seed: int = 7

    def __call__(self) -> None:
        picture(self.out, self.kind, self.seed, self.texture_seed)


def _log(trainer: Trainer, steps: Iterable[dict[str, float]], checkpoint: Path, every: int) -> None:
    """Saves, and prints mean losses, every so many steps."""
    sums: dict[str, float] = defaultdict(float)
    for terms in steps:
        for name, value in terms.items():
            sums[name] += value / every
        if trainer.step % every == 0:
            trainer.save(checkpoint)
            line = "  ".join(f"{name} {value:.3f}" for name, value in sums.items())
            print(f"{time.strftime('%H:%M:%S')}  step {trainer.step}  {line}", flush=True)
            sums.clear()


if __name__ == "__main__":
    torch.set_num_threads(1)  # the next batch is painted beside the step, which is work enough for a second core
    tyro.cli(Generate | Train | Export | Judge | LeaveOut | Sheet | Picture, description=__doc__)()
