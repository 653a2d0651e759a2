"""What identifies the result of a job before it is run. Imports torch: the clerk's process alone uses it.

It is the chain of keys by which a resumed run knows its finished stages, with one more link for what is written after
the last stage. The built stages say themselves what decides their results, and nothing is run for that.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cache, lru_cache

from vistadream.app import job_from_words
from vistadream.assets import sample_image
from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.runs.chain import chain
from vistadream.runs.inputs import Inputs


def keys_of(words: Sequence[str], job: str, digest: str) -> tuple[str, str] | None:
    """The key of the last stage, and the key of the result; None for words that cannot be run here.

    `digest`: the sha256 of the picture; "" for a job without one.
    """
    if (parts := _parts(tuple(words), job)) is None:
        return None
    text, stages = parts
    keys = [*chain(json.loads(text.replace(_of_the_sample(), digest) if digest else text)).values()]
    return keys[stages - 1], keys[-1]


@lru_cache(1024)
def _parts(words: tuple[str, ...], job: str) -> tuple[str, int] | None:
    """The fingerprints of the stages and of the results in JSON, with the sample as the picture; how many stages."""
    try:
        made = job_from_words(words, job=job)
        written = {
            "exporters": made.exporters,
            "renderer": made.renderer,
            "trajectory": made.trajectory,
            "flight_frames": made.flight_frames,
        }
        results = Inputs().fingerprints({"results": written})
    except (UserError, TypeError) as error:  # the run will say what is wrong
        logging.getLogger("vistadream.service").info("no key: %s", error)
        return None
    return json.dumps({**made.fingerprints, **results}), len(made.stages)


@cache
def _of_the_sample() -> str:
    """The digest that stands for that of the picture."""
    return sha256_of(sample_image())
