"""A batch in which some pictures cannot be used: all others are published, each bad one is given up by its sentence.

Run: python benchmarks/batch_bad.py [--images 1000] [--bad 50] [--workers 1]
The smallest job that there is. In the end the report must agree with what is on the disk. Prints one JSON object, and
ends with 1 where anything of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from bad_pictures import bad_files
from batch_soak import WORDS, draw_pictures

from vistadream.batch.folder import BatchFolder

_ONE_SENTENCE = re.compile(r"[^\n]+; wanted [^\n]+")


def run(root: Path, images: int, bad: int, words: tuple[str, ...] = ()) -> dict[str, Any]:
    """Runs the batch; what was found in the end."""
    pictures, folder = root / "pictures", BatchFolder(root / "scenes")
    draw_pictures(pictures, images - bad)
    for name, content in islice(bad_files(), bad):
        (pictures / f"{name}.png").write_bytes(content)
    command = [sys.executable, "-m", "vistadream", "batch", f"images={pictures}", f"out={folder.root}"]
    began_s = time.monotonic()
    code = subprocess.run([*command, *WORDS, *words], stdout=subprocess.DEVNULL).returncode
    return {"seconds": round(time.monotonic() - began_s), "exit_code": code, **_found(folder)}


def _found(folder: BatchFolder) -> dict[str, Any]:
    given_up = [json.loads(file.read_text()) for file in folder.quarantine.glob("*.json")]
    published = list(folder.items.glob("*/*/item.json"))
    files = [file for marker in published for file in marker.parent.rglob("*") if file != marker and file.is_file()]
    report = json.loads(folder.report_json.read_text())
    groups = report["given_up"]
    return {
        "published": len(published),
        "given_up": len(given_up),
        "bad_ones_given_up": sum(not Path(about["names"][0]).stem.isdigit() for about in given_up),
        "with_a_sentence": sum(_has_its_sentence(about) for about in given_up),
        "attempts_at_them": sum(len(about["attempts"]) for about in given_up),
        "kinds": dict(Counter(Path(about["names"][0]).stem.partition("-")[0] for about in given_up)),
        "sentences_of_the_report": {group["sentence"]: group["count"] for group in groups},
        "left_in_work": len(list(folder.work.iterdir())),
        "report_agrees": {
            "counts": report["counts"],
            "bytes": report["bytes"]["published"] == sum(file.stat().st_size for file in files),
            "sentences": sum(group["count"] for group in groups) == len(given_up),
        },
    }


def _has_its_sentence(about: dict[str, Any]) -> bool:
    """Whether an item was given up at once as a bad picture, by one sentence that names its file."""
    sentence = about["sentence"]
    named = Path(about["names"][0]).name in sentence and bool(_ONE_SENTENCE.fullmatch(sentence))
    return named and about["reason"] == "bad" and [each["state"] for each in about["attempts"]] == ["failed"]


def holds(found: dict[str, Any], images: int, bad: int) -> bool:
    """Whether nothing but the bad pictures was given up, each with its sentence, and the report says the same."""
    numbers = [found[name] for name in ("exit_code", "published", "given_up", "bad_ones_given_up", "with_a_sentence")]
    counts = {"items": images, "published": images - bad, "given_up": bad, "under_way": 0, "left": 0}
    agrees = found["report_agrees"] == {"counts": counts, "bytes": True, "sentences": True}
    return numbers == [0, images - bad, bad, bad, bad] and agrees and not found["left_in_work"]


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--bad", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vistadream-bad-") as folder:
        found = run(Path(folder), asked.images, asked.bad, (f"workers={asked.workers}",))
    print(json.dumps(found | {"holds": (ok := holds(found, asked.images, asked.bad))}, indent=1))
    return int(not ok)


if __name__ == "__main__":
    sys.exit(main())
