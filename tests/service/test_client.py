"""The client of the service, against a real one that is stopped and started meanwhile."""

import asyncio
import inspect
import signal
import threading

import pytest

from vistadream.assets import sample_image
from vistadream.commands.main import main
from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.service.client import AsyncClient, Client

SMALLEST = {"stage": "no-outpaint", "max_resolution": 32, "recipe": "quick", "stages.initialize.steps": 1}
LITTLE = {"export": ["gaussians", "metrics"], "flight.frames": 2}


@pytest.fixture(scope="module")
def service(start):
    return start("min_free_gb=0", "drain_s=0")


@pytest.fixture
def client(service):
    with Client(str(service.client.base_url)) as client:
        yield client


def test_a_scene_is_made_followed_and_loaded(client, service, tmp_path):
    lines = []
    job = client.wait(client.predict(sample_image(), SMALLEST | LITTLE)["id"], lines.append)
    assert job["state"] == "done"
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    files = client.download(job["id"], tmp_path)
    assert {file.relative_to(tmp_path).as_posix() for file in files} == {each["name"] for each in job["results"]}
    run = service.data / "jobs" / job["id"] / "run"
    assert (tmp_path / "gaussians.ply").read_bytes() == (run / "export" / "gaussians.ply").read_bytes()
    _a_half_file_is_continued(client, job["id"], tmp_path)


def _a_half_file_is_continued(client, job_id, folder):
    """Half of a file under its name for parts is completed; a wrong half is loaded anew; a whole file is left alone."""
    scene, part = folder / "gaussians.ply", folder / "gaussians.ply.part"
    digest, whole, kept = sha256_of(scene), scene.read_bytes(), (folder / "metrics.json").stat().st_mtime_ns
    for half in (whole[: len(whole) // 2], b"wrong" * 100):
        scene.unlink()
        part.write_bytes(half)
        client.download(job_id, folder)
        assert sha256_of(scene) == digest
        assert not part.exists()
    assert (folder / "metrics.json").stat().st_mtime_ns == kept


def test_both_clients_can_do_the_same():
    def methods(kind):
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert methods(AsyncClient) == methods(Client)


def test_the_asynchronous_client_does_the_same_while_other_work_goes_on(service, tmp_path):
    async def story():
        async with AsyncClient(str(service.client.base_url)) as client:
            newest = client.changes()
            job = await client.predict(sample_image(), SMALLEST | LITTLE)
            lines, ticks = [], []
            following = asyncio.create_task(client.wait(job["id"], lines.append))
            while not following.done():
                ticks.append(await asyncio.sleep(0.05))
            job = following.result()
            files = await client.download(job["id"], tmp_path)
            splat = await client.result(job["id"], "gaussians.splat", tmp_path)
            assert [number async for number, _ in client.events(job["id"], after=2)] == list(range(3, len(lines) + 1))
            states = []
            await newest.aclose()
            async for event, _, data in client.changes(after=0):
                states += [data["state"]] if event == "job" and data["job"] == job["id"] else []
                if "done" in states:
                    break
            assert states == ["queued", "running", "done"]
            with pytest.raises(UserError, match="is not a job of yours"):
                await client.job("x")
            with pytest.raises(UserError, match="is not a job of yours"):
                [line async for line in client.events("x")]
            return job, files, splat, lines, ticks

    job, files, splat, lines, ticks = asyncio.run(story())
    assert job["state"] == "done"
    assert ticks, "the loop was free"
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    on_disk = service.data / "jobs" / job["id"] / "run" / "export"
    assert {file.relative_to(tmp_path).as_posix() for file in files} == {each["name"] for each in job["results"]}
    assert splat.read_bytes() == (on_disk / "gaussians.splat").read_bytes()
    assert (tmp_path / "gaussians.ply").read_bytes() == (on_disk / "gaussians.ply").read_bytes()


def test_what_the_service_refuses_is_its_sentence(client):
    with pytest.raises(UserError, match="did you mean seed"):
        client.predict(sample_image(), {"sed": 3})
    with pytest.raises(UserError, match="is not a job of yours"):
        client.job("x")
    with pytest.raises(UserError, match="is not a job of yours"):
        list(client.events("x"))


def test_a_client_waits_for_a_service_that_is_started_again(service, client, start):
    slow = {"max_resolution": 96, "stage": "no-outpaint", "stages.initialize.steps": 300}
    job = client.predict(sample_image(), slow | LITTLE)["id"]
    numbers, ended = [], []
    follow = threading.Thread(target=lambda: ended.extend(numbers.append(n) for n, _ in client.events(job)))
    follow.start()
    service.wait_for(job, "running")
    service.stop(signal.SIGKILL)
    start("min_free_gb=0", "drain_s=0", data=service.data, port=str(service.client.base_url.port))
    follow.join(200)
    assert not follow.is_alive()
    assert client.job(job)["state"] == "done"
    assert numbers == list(range(1, len(numbers) + 1)), "each line once, in order"


def test_remote_shows_the_stages_and_leaves_the_results(service, tmp_path, capsys):
    words = [f"{knob}={value}" for knob, value in SMALLEST.items()]
    own = [f"image={sample_image()}", f"url={service.client.base_url}", f"out={tmp_path}"]
    assert main(["remote", "single-img", *own, *words, "export=[gaussians,metrics]", "flight.frames=2"]) == 0
    said = capsys.readouterr().out
    assert "initialize: done in" in said
    (scene,) = tmp_path.glob("sample/*/gaussians.ply")
    assert str(scene.parent) in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["multi-img", "input=x"], "wanted remote single-img"),
        (["single-img", "image=/nowhere.jpg"], "no such input"),
        (["single-img", "seed"], "wanted knob=value"),
        (["single-img", "seed=1,2"], "gives several values"),
    ],
)
def test_bad_words_are_one_sentence(words, said, capsys):
    assert main(["remote", *words]) == 2
    assert said in capsys.readouterr().err
