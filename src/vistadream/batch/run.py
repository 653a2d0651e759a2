"""`vistadream batch` from its words to its end."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO

from vistadream.batch.batch import Batch
from vistadream.batch.digests import DigestCache
from vistadream.batch.engines import Engine
from vistadream.batch.engines.local import LocalEngine
from vistadream.batch.engines.ray import RayEngine
from vistadream.batch.engines.slurm import SlurmEngine
from vistadream.batch.estimate import estimate, lines
from vistadream.batch.folder import BatchFolder
from vistadream.batch.knobs import Knobs
from vistadream.batch.marks import Places
from vistadream.batch.names import Names
from vistadream.batch.plan import Counted, PlanReader
from vistadream.batch.recipes import Recipes
from vistadream.batch.report.writer import reporting
from vistadream.batch.signals import heeding_signals
from vistadream.batch.starts import check_places, check_start, note_start
from vistadream.batch.todo import Lister, Order, check_names, listed
from vistadream.batch.words import knobs_of, split
from vistadream.batch.worker import queue_of, storage_of
from vistadream.core import UserError
from vistadream.workers.file_lock import try_lock

ENGINES: dict[str, type[Engine]] = {"local": LocalEngine, "ray": RayEngine, "slurm": SlurmEngine}


def run(words: Sequence[str]) -> None:
    """Has every picture worked on. UserError on bad input, or where too many pictures were given up."""
    knobs, others = knobs_of(words)
    if knobs.engine not in ENGINES:
        raise UserError(f"engine={knobs.engine} is no choice; wanted one of {', '.join(ENGINES)}")
    images, folder, recipes = check_places(knobs), BatchFolder(knobs.folder), Recipes(others)
    if knobs.engine == "local":
        recipes.check_devices()
    storage = storage_of(knobs, folder)
    if not knobs.dry:
        storage.check()
    storage.recall()
    check_start(folder, images, recipes, knobs.batch.add)
    pictures = check_names(images, recipes)
    _say(f"{pictures:,} pictures, {len(recipes.common)} scenes of each; out={folder.root}")
    if knobs.dry:
        found = estimate(images, pictures, recipes, folder, knobs.batch.limit, knobs.batch.keep)
        for line in lines(found, folder):
            _say(line)
        return
    folder.root.mkdir(parents=True, exist_ok=True)
    names = Names(folder, storage)
    with _drivers_lock(folder) as lock:
        if lock is None and not knobs.join:
            raise UserError(f"out={folder.root} has a driver already; wanted one: join=true helps it")
        if lock is None:
            batch = Batch(folder, queue_of(knobs, folder, _name()), split(words)[0], None, _say, knobs.batch.timeout_s)
        else:
            note_start(folder, images, recipes, knobs.engine)
            storage.share(folder.batch_json)
            batch = _listing(folder, knobs, words, images, recipes, names)
        report = reporting(folder, knobs.batch.price_per_hour) if lock is not None else nullcontext()
        with report, heeding_signals(batch, words):
            ENGINES[knobs.engine]().run(batch, storage, knobs)
            if batch.is_over():
                names.write()
        if lock is not None:
            shutil.rmtree(folder.root / "inputs", ignore_errors=True)
    _judge(folder, knobs, batch.counted or Counted())


def _listing(
    folder: BatchFolder, knobs: Knobs, words: Sequence[str], images: str, recipes: Recipes, names: Names
) -> Batch:
    """The batch of the driver that says what there is to do."""
    queue = queue_of(knobs, folder, _name())
    folder.plan.unlink(missing_ok=True)
    Places(folder).forget()
    items = listed(images, recipes, folder, DigestCache(folder.digests), queue)
    order = Order(knobs.batch.limit, knobs.batch.shuffle)
    lister = Lister(folder, order.of(items, names.again), queue, names.first).start()
    return Batch(folder, queue, split(words)[0], lister, _say, knobs.batch.timeout_s)


def _name() -> str:
    return f"{platform.node()}-driver-{os.getpid()}"


@contextmanager
def _drivers_lock(folder: BatchFolder) -> Iterator[IO[bytes] | None]:
    """The lock of the one driver that lists; None where another one has it. A disk without locks is named."""
    lock: IO[bytes] | None
    try:
        lock = try_lock(folder.driver)
    except OSError as error:
        lock = folder.driver.open("ab")
        why = f"{folder.root} has no locks ({error.strerror})"
        _say(f"{why}: dead workers are known by their silence alone, and a second driver is not refused")
    try:
        yield lock
    finally:
        if lock is not None:
            lock.close()


def _judge(folder: BatchFolder, knobs: Knobs, counted: Counted) -> None:
    """Says how it ended. UserError where too large a share was given up."""
    bad = counted.given_up + _given_up_now(folder)
    _say(f"nothing is left to do: {counted.items - bad:,} published, {bad:,} given up; {folder.items}")
    if bad > knobs.batch.max_bad * counted.items:
        raise UserError(
            f"{bad} of {counted.items} items were given up; wanted at most {knobs.batch.max_bad:.0%}: the files in "
            f"{folder.quarantine} say why"
        )


def _given_up_now(folder: BatchFolder) -> int:
    """The items of the plan that were given up."""
    ids = {file.stem for file in folder.quarantine.glob("*.json")}
    plan = PlanReader(folder.plan)
    return sum(item.id in ids for item in iter(plan.next, None)) if ids else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
    sys.stdout.flush()
