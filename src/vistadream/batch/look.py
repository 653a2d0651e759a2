"""`vistadream batch status|retry|quarantine|report OUT`: what one asks of a batch, whether it runs or not."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from vistadream.batch.folder import BatchFolder
from vistadream.batch.index import opened
from vistadream.batch.object_store import ObjectStore, folder_of
from vistadream.batch.quarantine import Quarantine
from vistadream.batch.remote import is_url
from vistadream.batch.status import lines, starts_in, status
from vistadream.batch.storage import LocalStorage, Storage
from vistadream.core import UserError


def ask(question: str, words: Sequence[str]) -> Callable[[], object]:
    """What answers the question about the batch that the first word names. UserError for other words."""
    if not words or ("=" in words[0] and "://" not in words[0]):
        raise UserError(f"which batch? wanted its folder: vistadream batch {question} OUT")
    out, others = words[0], words[1:]
    if others and question != "retry":
        raise UserError(f"{others[0]} is not read by batch {question}; wanted its folder alone")
    if question == "retry":
        return partial(_retry, out, others)
    return partial({"status": _status, "quarantine": _quarantine, "report": _report}[question], out)


def _place(out: str) -> tuple[BatchFolder, Storage]:
    """The folder of a batch on this machine, with all that status and report need, and where its items are."""
    if not is_url(out):
        folder = BatchFolder(Path(os.path.expanduser(out)).absolute())
        starts_in(folder)
        return folder, LocalStorage(folder.root)
    folder = BatchFolder(folder_of(out))
    store = ObjectStore(out, folder.root)
    store.recall()
    for key in store.list("items/"):
        if key.endswith("/item.json") and not (folder.root / key).exists():
            store.get(key)  # which keeps it in the folder
    starts_in(folder)
    return folder, store


def _status(out: str) -> None:
    folder, _ = _place(out)
    with opened(folder) as index:
        _say(lines(folder, status(folder, index)))


def _quarantine(out: str) -> None:
    folder, _ = _place(out)
    with opened(folder) as index:
        rows = index.rows("select * from given_up order by reason, sentence, id")
    for row in rows:
        names = ", also ".join(json.loads(row["names"]))
        _say([f"{row['id']}  {row['reason']}, attempts {row['attempts']}  {names}: {row['sentence']}"])
    _say([f"{len(rows):,} given up; vistadream batch retry {shlex.quote(out)} has them tried again"])


def _retry(out: str, ids: Sequence[str]) -> None:
    folder, storage = _place(out)
    quarantine = Quarantine(folder)
    if unknown := [id for id in ids if not quarantine.holds(id)]:
        wanted = "wanted ids that vistadream batch quarantine lists, or none"
        raise UserError(f"{unknown[0]} is not in quarantine; {wanted}")
    chosen = ids or sorted(file.stem for file in folder.quarantine.glob("*.json"))
    for id in chosen:
        quarantine.release(id)
        storage.share(folder.quarantined(id))
    _say([f"{len(chosen):,} are tried again when the batch is started again, by the same command as before"])


def _report(out: str) -> None:
    from vistadream.batch.report.writer import write_report

    folder, storage = _place(out)
    for file in (write_report(folder), folder.report_json):
        storage.share(file)
    _say([str(folder.report_html)])


def _say(said: Iterable[str]) -> None:
    for line in said:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
