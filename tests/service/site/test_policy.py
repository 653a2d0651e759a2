"""What a browser may load for the page."""

import base64
import hashlib

from vistadream.service.site.policy import page_policy


def parts(policy: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in policy.split("; "))}


def test_nothing_comes_from_elsewhere():
    allowed = {source for sources in parts(page_policy(b"")).values() for source in sources}
    handler = base64.b64encode(hashlib.sha256(b"event.stopPropagation()").digest()).decode()
    assert allowed == {"'self'", "'none'", "'wasm-unsafe-eval'", "'unsafe-hashes'", f"'sha256-{handler}'", "blob:"}


def test_an_import_map_is_allowed_by_its_digest_and_no_other_script_of_the_page():
    content = b'\n{"imports": {"playcanvas": "./lib/playcanvas.min.mjs"}}\n'
    html = b'<script type="importmap">' + content + b"</script><script>alert(1)</script>"
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    scripts = parts(page_policy(html))["script-src"]
    assert scripts == [*parts(page_policy(b""))["script-src"], f"'sha256-{digest}'"]


def test_other_pages_may_frame_it_only_when_they_are_named():
    assert parts(page_policy(b""))["frame-ancestors"] == ["'self'"]
    assert parts(page_policy(b"", ["http://127.0.0.1:7861"]))["frame-ancestors"] == ["'self'", "http://127.0.0.1:7861"]
