"""Items that were given up, by their sentences: those that differ in names and numbers alone count as one."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from vistadream.batch.index import Index
from vistadream.batch.index_rows import Row


def by_sentence(index: Index, named: int) -> list[dict[str, Any]]:
    """Reason, sentence and number of each group, the largest first, each with at most `named` of its items."""
    groups = defaultdict[tuple[str, str], list[Row]](list)
    for row in index.rows("select * from given_up order by id"):
        groups[row["reason"], alike(row["sentence"], row["name"])].append(row)
    found = []
    for (reason, _), rows in sorted(groups.items(), key=lambda group: -len(group[1])):
        items = [{"id": row["id"], "name": row["name"], "names": json.loads(row["names"])} for row in rows[:named]]
        found.append({"reason": reason, "sentence": rows[0]["sentence"], "count": len(rows), "items": items})
    return found


def alike(sentence: str, name: str) -> str:
    """A sentence without the name of its picture, without paths, and without numbers."""
    plain = re.sub(r"(?:/[^/\s:;,]+)+", "PATH", sentence.replace(name, "PATH"))
    return re.sub(r"\d+(?:[.,]\d+)*", "N", plain)
