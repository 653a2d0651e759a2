"""What a browser may load for the page (Content-Security-Policy): files of the service, and what the viewer makes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
"""The names of the viewer's modules. Browsers read such a map from the page alone, so its digest is in the policy."""


_VIEWERS_HANDLER = "'sha256-jHF5hTIlMDyGZRAsNK0HO/WFYrwPvI2I1q0o1xKKB6I='"
"""Of event.stopPropagation(), the one attribute with a script that the viewer's own controls have, in four places."""


def page_policy(html: bytes, may_frame: Sequence[str] = ()) -> str:
    """The policy of a page. `may_frame`: origins whose pages may hold it in a frame, besides the service itself."""
    maps = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in _IMPORT_MAP.findall(html)]
    parts = {
        "default-src": ["'self'"],
        "script-src": [
            "'self'",
            "'wasm-unsafe-eval'",
            "'unsafe-hashes'",
            _VIEWERS_HANDLER,
            *(f"'sha256-{digest}'" for digest in maps),
        ],
        "worker-src": ["'self'", "blob:"],
        "img-src": ["'self'", "blob:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'", *may_frame],
    }
    return "; ".join(" ".join([name, *sources]) for name, sources in parts.items())
