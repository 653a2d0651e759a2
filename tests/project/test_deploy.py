"""The files in deploy/, as far as they can be checked without containers: syntax, paths, words, times and limits."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from vistadream.config.own_file import own_knobs
from vistadream.service.knobs import ServeKnobs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
STAGES = {part.split("\n", 1)[0].split()[-1]: part for part in re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1:]}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["vistadream"]
UNIT = (DEPLOY / "vistadream.service").read_text()
ENDS_WITHIN_S = 10
"""After drain_s: workers that are interrupted, and requests that end."""


def serve_knobs(words: list[str]) -> ServeKnobs:
    """The knobs of a command, whose words are checked as `vistadream serve` checks them."""
    assert words[0] == "serve"
    return own_knobs("serve", ServeKnobs, [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", word) for word in words[1:]])


def value(text: str, pattern: str) -> float:
    """The number that a pattern finds in a file."""
    return float(re.search(pattern, text)[1])


@pytest.fixture(scope="module")
def defaults() -> ServeKnobs:
    return own_knobs("serve", ServeKnobs, [])


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_each_image_runs_the_service_as_nobody_special(stage: str) -> None:
    lines = STAGES[stage]
    assert re.findall(r"^USER (.+)$", lines, re.M) == ["10001:10001"]
    assert "STOPSIGNAL SIGTERM" in lines
    command = json.loads(re.search(r"^CMD (\[.*\])$", lines, re.M)[1])
    assert json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", lines, re.M)[1]) == ["vistadream"]
    assert serve_knobs(command).host == "0.0.0.0"
    health = json.loads(re.search(r"HEALTHCHECK .*\\\n +CMD (\[.*\])", lines)[1])
    assert health[:2] == ["python", "-c"] or health[:2] == ["python3", "-c"]
    compile(health[2], "healthcheck", "exec")
    assert "127.0.0.1:8000/v1/ready" in health[2]
    assert re.search(r"^VOLUME /data$", lines, re.M)


def test_the_image_is_built_from_what_is_there() -> None:
    kept = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {"src", "conf", "pyproject.toml", "constraints.txt", project["project"]["readme"], "LICENSE"}
    assert set(kept) == needed
    assert all((ROOT / name).exists() for name in kept)
    extras = {extra for found in re.findall(r"/src\[([\w,]+)\]", DOCKERFILE) for extra in found.split(",")}
    assert extras <= set(project["project"]["optional-dependencies"])


def test_compose_names_what_is_there_and_gives_jobs_their_time() -> None:
    build = SERVICE["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert (context, (context / build["dockerfile"]).is_file()) == (ROOT, True)
    assert build["target"] in STAGES
    files = [volume for each in COMPOSE["services"].values() for volume in each["volumes"] if volume.startswith("./")]
    assert files
    assert all((DEPLOY / volume.split(":")[0]).is_file() for volume in files)
    named = {volume.split(":")[0] for each in COMPOSE["services"].values() for volume in each["volumes"]}
    assert {name for name in named if not name.startswith("./")} == set(COMPOSE["volumes"])
    knobs = serve_knobs(SERVICE["command"])
    assert int(SERVICE["stop_grace_period"].rstrip("s")) >= knobs.drain_s + ENDS_WITHIN_S
    assert SERVICE["read_only"]
    assert SERVICE["cap_drop"] == ["ALL"]
    (proxy,) = knobs.proxies
    assert COMPOSE["services"]["caddy"]["networks"]["inside"]["ipv4_address"] == proxy


def test_the_unit_is_one_of_systemd_and_gives_jobs_their_time(tmp_path: Path) -> None:
    program, *words = re.search(r"^ExecStart=(.+)$", UNIT, re.M)[1].split()
    knobs = serve_knobs(words)
    assert value(UNIT, r"TimeoutStopSec=(\d+)") >= knobs.drain_s + ENDS_WITHIN_S
    assert "KillMode=mixed" in UNIT, "workers end with their server, which SIGTERM asks alone"
    assert "RestartPreventExitStatus=2" in UNIT
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "vistadream.service"
    unit.write_text(UNIT.replace(program, sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


PROXIES = {
    "nginx.conf": (r"client_max_body_size (\d+)m", r"proxy_read_timeout (\d+)s", "proxy_buffering off;"),
    "Caddyfile": (r"max_size (\d+)MB", r"response_header_timeout (\d+)s", "flush_interval -1"),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_lets_through_what_the_service_takes(name: str, defaults: ServeKnobs) -> None:
    text, (size, patience, unbuffered) = (DEPLOY / name).read_text(), PROXIES[name]
    assert value(text, size) > defaults.max_upload_mb
    assert value(text, patience) > defaults.max_wait_s
    assert unbuffered in text, "events arrive as they happen"
    assert "X-Request-ID" in text
    assert text.count("{") == text.count("}")


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert all(file.name in page for file in DEPLOY.iterdir())
