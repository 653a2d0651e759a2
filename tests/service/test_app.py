"""The OpenAPI document: true in every operation, as schemathesis finds, and complete."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import jwt
import pytest

from vistadream.service.access.scopes import SCOPES

CONFIG = Path(__file__).with_name("schemathesis.toml")


SECRET = "a secret of 32 bytes or even more"
TOKEN = jwt.encode({"exp": 9e9, "sub": "a", "aud": "vistadream", "scope": " ".join(SCOPES)}, SECRET)
"""With a token, as a key could be revoked by a request that schemathesis makes."""


@pytest.fixture(scope="module")
def service(start, tmp_path_factory):
    """A service that takes jobs and lets them wait, so that thousands of requests make no work."""
    key_file = tmp_path_factory.mktemp("jwt") / "key"
    key_file.write_text(SECRET)
    limits = [f"limits.{kind}_per_minute=null" for kind in ("read", "submit", "admin", "failures")]
    running = start("min_free_gb=0", "workers=0", "max_wait_s=1", "drain_s=0", f"jwt.key_file={key_file}", *limits)
    running.client.headers["Authorization"] = f"Bearer {TOKEN}"
    return running


@pytest.fixture(scope="module")
def document(service):
    return service.client.get("/openapi.json").json()


def test_every_operation_does_what_it_says(service, tmp_path):
    if find_spec("schemathesis") is None:
        pytest.skip("schemathesis, of the extra `ci`, is not installed")
    service.client.get("/v1/knobs")  # once the clerk is there, requests take no seconds
    url = str(service.client.base_url.join("/openapi.json"))
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", url]
    how = ["-n", "4", "--checks", "all", "-H", f"Authorization: Bearer {TOKEN}", "--seed", "1", "--max-time", "20"]
    done = subprocess.run([*program, *how], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    assert "Stateful" in done.stdout


def test_each_operation_has_an_id_a_sentence_and_problems(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["operationId"], where
            assert operation["description"], where
            assert {"400", "421", "429", "500"} <= set(operation["responses"]), where
            needs_key = path not in ("/v1/health", "/v1/page", "/v1/ready", "/v1/session")
            assert ("security" in operation) == needs_key, where
            assert not needs_key or {"401", "403"} <= set(operation["responses"]), where
            for status, answer in operation["responses"].items():
                if status >= "400":
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, where


def test_the_document_is_of_openapi_3_1_and_has_examples_and_links(document):
    assert document["openapi"].startswith("3.1.")
    assert sum(map(len, document["paths"].values())) >= 25
    assert "examples" in document["components"]["schemas"]["Job"]["properties"]["id"]
    assert "get_job" in document["paths"]["/v1/predict"]["post"]["responses"]["202"]["links"]


def test_defaults_of_knobs_are_not_repeated(document):
    """They stand in conf/ alone; GET /v1/knobs reads them there."""
    assert '"max_resolution"' not in json.dumps(document)
