"""The process of a worker: items of one batch on the disk, one after the other, until it is asked to end."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from vistadream.batch.claim import Worker
from vistadream.batch.folder import BatchFolder
from vistadream.batch.knobs import Knobs
from vistadream.batch.object_store import ObjectStore
from vistadream.batch.quarantine import Patience
from vistadream.batch.queue import DiskQueue
from vistadream.batch.remote import absolute, is_url
from vistadream.batch.storage import LocalStorage, Storage
from vistadream.batch.words import knobs_of


def storage_of(knobs: Knobs, folder: BatchFolder) -> Storage:
    """Where the items of a batch are published."""
    return ObjectStore(knobs.out, folder.root) if is_url(knobs.out) else LocalStorage(folder.root)


def queue_of(knobs: Knobs, folder: BatchFolder, name: str) -> DiskQueue:
    """The queue of a batch for a worker of that name on this machine."""
    me = Worker(name, platform.node(), os.environ.get("CUDA_VISIBLE_DEVICES") or "cpu")
    patience = Patience(deaths=knobs.batch.deaths)
    own = knobs.batch
    images = absolute(knobs.images or "")
    limits = (own.dead_after_s, own.min_free_gb)
    return DiskQueue(folder, storage_of(knobs, folder), me, own.keep, patience, *limits, images)


def be_worker(words: Sequence[str], name: str | None, parent: int | None) -> None:
    """Works until a signal, a limit or the end of the parent, the other end of whose pipe is that descriptor.

    `words` are those of the batch, from whose folder the items come.
    """
    from vistadream.workers.process import Limits, work

    knobs, _ = knobs_of(words)
    name = name or f"{platform.node()}-{os.getpid()}"
    queue = queue_of(knobs, BatchFolder(knobs.folder), name)
    queue.arrive()
    work(queue, name, Limits(jobs=1000, rss_gb=16, idle_unload_s=600), parent, act=queue.work)
