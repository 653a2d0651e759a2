"""What `scale.py` computes with: measured figures, stated prices, and published limits, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

COUNTS = {"a million": 10**6, "a hundred million": 10**8, "a billion": 10**9}
"""Photographs."""
HOUR_S, DAY_S, MONTH_H = 3600, 86_400, 730
GB, TB = 10**9, 10**12


@dataclass(frozen=True)
class Figure:
    """A number with where it comes from: a command, or who says so."""

    value: float
    unit: str
    source: str


PIPELINE = "`python benchmarks/pipeline.py`, [the main job](benchmarks/pipeline.md)"
SAMPLE = "`vistadream single-img stage=fine rerun.mode=off`, the sample at 512 px"
FORMATS = "[outputs.md](outputs.md): 144,613 Gaussians in each format"
MEASURE = "`python benchmarks/scale.py --measure`"

MEASURED = {
    "fine": Figure(2 * (42.6 + 48.2 + 54.3) / 3, "core-seconds an item", f"{PIPELINE}: mean of 3 photos, 2 cores"),
    "no-outpaint": Figure(2 * 13.4, "core-seconds an item", PIPELINE),
    "gaussians": Figure((335_904 + 300_737 + 319_724) / 3, "Gaussians of a `fine` scene", PIPELINE),
    "ply": Figure(56.0, "bytes a Gaussian", "14 numbers of 4 bytes (`formats/ply.py`)"),
    "compressed.ply": Figure(2.4e6 / 144_613, "bytes a Gaussian", FORMATS),
    "spz": Figure(1.6e6 / 144_613, "bytes a Gaussian", FORMATS),
    "sog": Figure(1.3e6 / 144_613, "bytes a Gaussian", FORMATS),
    "others": Figure(2.16e6, "bytes of video, report (three quarters) and figures", SAMPLE),
    "folder": Figure(92.2e6, "bytes of a whole run folder", SAMPLE),
    "objects": Figure(6, "files that are published of an item", "`batch.keep=results` with one format"),
    "picture": Figure(290e3, "bytes of a photograph", "mean of the photos of [the main job](benchmarks/pipeline.md)"),
    "claims": Figure(2600, "claims a second: mkdir, then rename", MEASURE),
    "index row": Figure(168, "bytes of an item in the index", MEASURE),
    "listed names": Figure(780_000, "names a second from a local disk", MEASURE),
    "name memory": Figure(92, "bytes of memory for a name", MEASURE),
    "checkpoint": Figure(0.34, "seconds to write a checkpoint of 62 MB", MEASURE),
    "restart": Figure(5.0, "processor seconds of the smallest run, in a new process", MEASURE),
}
"""Two cores (Xeon, 2.8 GHz); a core is a thread as clouds sell it."""

PRICES = {
    "on demand": Figure(0.34 / 8, "$ a core-hour", "c5.2xlarge, 8 threads, $0.34 (AWS, EC2 Auto Scaling User Guide)"),
    "spot": Figure(0.18 / 8, "$ a core-hour", "the same machine as a spot instance, $0.18 (the same page)"),
    "shared": Figure(0.036 * 1.15 / 16, "$ a core-hour", "16 shared threads, EUR 0.036 (Hetzner cx53, 2026-04; $1.15)"),
    "GPU, large clouds": Figure(5.00, "$ an H100-hour", "upper end, May 2026 (mercatus-ai.com, Cloud GPU Pricing)"),
    "GPU, specialists": Figure(2.50, "$ an H100-hour", "lower end of specialized clouds (the same page)"),
    "GPU, cheapest": Figure(1.99, "$ an H100-hour", "lower end of all (the same page)"),
    "S3 below 50 TB": Figure(0.023, "$ a GB-month", "Amazon S3 pricing, Standard, us-east-1"),
    "S3 to 500 TB": Figure(0.022, "$ a GB-month", "the same page, the next 450 TB"),
    "S3 beyond": Figure(0.021, "$ a GB-month", "the same page"),
    "S3 PUT": Figure(0.005 / 1000, "$ a PUT or LIST", "the same page"),
    "S3 GET": Figure(0.0004 / 1000, "$ a GET", "the same page"),
    "R2": Figure(0.015, "$ a GB-month", "Cloudflare, R2 pricing; egress is free"),
    "R2 PUT": Figure(4.50 / 10**6, "$ a PUT or LIST", "the same page, class A"),
}
"""They change: `python benchmarks/scale.py --price spot=0.02` computes with others."""

EGRESS = ((10 * TB, 0.09), (50 * TB, 0.085), (150 * TB, 0.07), (float("inf"), 0.05))
"""Dollars a GB out of S3 to the Internet, up to each number of bytes in a month (Amazon S3 pricing)."""
CORE_PRICES = ("on demand", "spot", "shared")
GPU_PRICES = ("GPU, large clouds", "GPU, specialists", "GPU, cheapest")
PACK = 1000
"""Items in one tar; a second file holds where each begins."""
CHECKPOINT_BYTES = 62_409_564
"""Of a fit of the sample with 342,717 Gaussians (`ls` while it fits)."""
FORMAT_NAMES = ("ply", "compressed.ply", "spz", "sog")

PUT_PER_S, GET_PER_S = 3500, 5500
"""Requests a second of one partition of a prefix (Amazon S3 User Guide, Best practices design patterns)."""
KEYS_PER_LIST = 1000
"""Keys in one answer of ListObjectsV2 (Amazon S3 API Reference)."""
FILES_PER_MDT = 4 * 10**9
"""Files of one metadata target of Lustre with ldiskfs (Lustre Operations Manual, table 1.1)."""
LOST_PER_MONTH = (0.05, 0.10, 0.20)
"""Shares of spot instances interrupted in a month: bounds of the classes of AWS' Spot Instance Advisor."""
