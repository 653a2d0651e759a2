"""A worker whose memory is full for pictures over 50 pixels: `python full_memory.py DATA name=NAME parent=PIPE`."""

import sys
from pathlib import Path

import numpy as np

from vistadream import session
from vistadream.service.queue.claims import database_url, open_queue
from vistadream.workers.process import Limits, work

run_stages = session.run_stages


def limited(stages, *further):
    if stages["load"].source.max_resolution > 50:
        np.empty(1 << 60, np.uint8)  # a MemoryError of its own
    return run_stages(stages, *further)


if __name__ == "__main__":
    session.run_stages = limited
    words = dict(word.split("=") for word in sys.argv[2:])
    data = Path(sys.argv[1])
    work(open_queue(database_url(data), data), words["name"], Limits(100, 100, 1000), int(words["parent"]))
