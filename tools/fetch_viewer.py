"""Fetches the files of the page's viewer by npm, checks their digests, and puts them where the service serves them.

python tools/fetch_viewer.py
"""

from __future__ import annotations

import sys

from vistadream.service.site.files import LIB
from vistadream.service.site.viewer import ViewerError, fetch_viewer

if __name__ == "__main__":
    try:
        fetched = fetch_viewer(LIB)
    except ViewerError as error:
        sys.exit(f"fetch_viewer: {error}")
    print("".join(f"{path}\n" for path in fetched) or f"{LIB} has all files\n", end="")
