"""A client of MLSharp's API, which knows of no queue, works with a service whose requests wait for the result."""

from pathlib import Path

import httpx
import pytest
from PIL import Image

from vistadream.assets import sample_image
from vistadream.formats.ply import read_ply


class SharpClient:
    """As the clients of that API are written: a file goes in, the URL of a PLY comes out."""

    def __init__(self, base_url: str):
        self.base_url = base_url.rstrip("/")

    def predict(self, image_path: Path) -> dict:
        with image_path.open("rb") as image:
            answer = httpx.post(f"{self.base_url}/v1/predict", files={"file": image}, timeout=300, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def download(self, url: str, output_path: Path) -> None:
        output_path.write_bytes(httpx.get(f"{self.base_url}{url}", timeout=60, trust_env=False).content)

    def get(self, path: str) -> dict:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, **how) -> dict:
        answer = httpx.request(method, f"{self.base_url}/v1/{path}", timeout=60, trust_env=False, **how)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="module")
def sharp(start):
    receiver = 'outgoing.allow_hosts=["127.0.0.1:9"]'
    service = start("min_free_gb=0", "drain_s=0", "predict_wait_s=280", "cache.max_gb=1", receiver)
    return SharpClient(str(service.client.base_url))


def test_a_file_becomes_a_ply(sharp, tmp_path):
    small = tmp_path / "small.png"
    Image.open(sample_image()).resize((40, 32)).save(small)  # such clients send no knobs, so that this is a whole job
    result = sharp.predict(small)
    assert result["status"] == "success"
    assert result["task_id"] in result["url"]
    assert result["processing_time"] > 0
    sharp.download(result["url"], tmp_path / "scene.ply")
    assert len(read_ply(tmp_path / "scene.ply"))


def test_it_reads_health_stats_and_cache(sharp):
    health, stats, cache = sharp.get("health"), sharp.get("stats"), sharp.get("cache")
    assert health["status"] == "healthy"
    assert health["gpu_available"] == stats["gpu"]["available"]
    assert stats["gpu"].keys() == {"available", "vendor", "name", "count", "memory_mb"}
    assert cache["enabled"] is True
    assert {"size", "max_size", "hits", "misses", "hit_rate"} <= cache.keys()
    assert 0 <= cache["hit_rate"] <= 1
    sharp.ask("POST", "cache/clear")
    assert sharp.get("cache")["size"] == 0


def test_it_adds_lists_and_removes_webhooks_by_their_events(sharp):
    sharp.ask("POST", "webhooks", json={"event_type": "task_completed", "url": "http://127.0.0.1:9/done"})
    assert [hook["events"] for hook in sharp.get("webhooks")["webhooks"]] == [["job.done"]]
    sharp.ask("DELETE", "webhooks/task_completed")
    assert sharp.get("webhooks")["webhooks"] == []
