"""A door for those who know Gradio: a photo in; progress, the scene, video, report and files out, made by a service.

python tools/gradio_app.py     # starts a service of its own; --service http://127.0.0.1:8000 uses one that runs
"""

import sys

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("gradio_app")  # before the packages below, which take seconds

import html
import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import tyro

from vistadream.core import UserError

_FRAME = '<iframe src="{url}/#/scene/{job}" title="The scene" style="width: 100%; height: 720px; border: 0"></iframe>'


@dataclass(frozen=True)
class Arguments:
    """Show a page of Gradio that makes scenes by a service."""

    service: str | None = None
    """http://HOST:PORT of one that runs with allow_origins=[ADDRESS OF THIS PAGE]; its key is in VISTADREAM_API_KEY.
    Without it one is started, which ends with this program."""
    data: Path = Path("vistadream-data")
    """The folder of the service that is started."""
    host: str = "127.0.0.1"
    port: int = 7870
    """The next free one is taken when it is in use."""
    auth: Path | None = None
    """A file with a line USER:PASSWORD for each person who may come in; needed if others than this machine can."""
    share: bool = False
    """Have Gradio's share server show the page to the internet."""


def run(arguments: Arguments) -> None:
    """Serves the page until a signal comes."""
    check_packages()
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI

    from vistadream.config.own_file import own_knobs
    from vistadream.service.address import listen_from
    from vistadream.service.knobs import ServeKnobs

    knobs = own_knobs("serve", ServeKnobs, [f"host={arguments.host}"])
    users = [tuple(line.split(":", 1)) for line in arguments.auth.read_text().split()] if arguments.auth else []
    if (arguments.auth or arguments.share or knobs.is_exposed) and {len(user) for user in users} != {2}:
        raise UserError("others could come in without a password; wanted --auth FILE with lines USER:PASSWORD")
    listener = listen_from(knobs, arguments.port)
    with service_at(arguments, port := listener.sock.getsockname()[1]) as url, tempfile.TemporaryDirectory() as files:
        app = gr.mount_gradio_app(FastAPI(), page(gr, url, Path(files)), "/", auth=users or None, ssr_mode=False)
        shared = f", and on the internet at {tunnel(gr, port)}" if arguments.share else ""
        print(f"the page is at {listener.url}{shared}; the service is at {url}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener.sock])


def check_packages() -> None:
    """UserError where the import of Gradio would end with a traceback."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    if find_spec("gradio") is None:
        raise UserError("the package gradio is not installed; wanted it: pip install 'vistadream[serve,gradio]'")
    socks = [name for name in os.environ if "proxy" in name.lower() and os.environ[name].startswith("socks")]
    if socks and find_spec("socksio") is None:
        raise UserError(f"{socks[0]} names a SOCKS proxy; wanted the package socksio too: pip install 'httpx[socks]'")


@contextmanager
def service_at(arguments: Arguments, port: int) -> Iterator[str]:
    """The URL of the service that runs, or of one that runs as long as the block."""
    if arguments.service:
        yield arguments.service.rstrip("/")
        return
    origins = [f"http://{host}:{port}" for host in (arguments.host, "127.0.0.1", "localhost")]
    words = ["serve", "port=auto", f"data={arguments.data}", f"allow_origins={origins}"]
    with subprocess.Popen([sys.executable, "-m", "vistadream", *words], stdout=-1, text=True) as process:
        try:
            if not (line := process.stdout.readline()):
                raise UserError("the service could not be started; wanted what it says above")
            yield line.split()[2].rstrip(",")
        finally:
            process.terminate()


def tunnel(gr: Any, port: int) -> str:
    """The address of the page on the internet; UserError where Gradio's share server gives none."""
    try:
        return gr.networking.setup_tunnel("127.0.0.1", port, secrets.token_urlsafe(32), None, None)
    except Exception as error:  # of many kinds: network, program, refusal
        raise UserError(f"Gradio's share server is out of reach ({error}); wanted no --share") from error


def page(gr: Any, url: str, folder: Path) -> Any:
    """The page as Gradio's Blocks. What can be chosen is what the service says."""
    from vistadream.service.client import Client

    def make(photo: str, stage: str, recipe: str, seed: float, knobs: str, progress: Any = gr.Progress()) -> Any:  # noqa: B008
        """Yields the id of the job and its scene at once, and in the end its video, report and files too."""
        asked = {"stage": stage, "recipe": recipes[recipe], "seed": int(seed)}
        try:
            with Client(url) as service:
                job = service.predict(Path(photo), asked | json.loads(knobs))["id"]
                yield job, (frame := _FRAME.format(url=html.escape(url), job=job)), None, None, None
                for _, line in service.events(job):
                    if line["kind"] == "progress":
                        progress((line["value"]["done"], line["value"]["total"]), desc=line["name"].partition("/")[0])
                if (ended := service.job(job))["state"] != "done":
                    raise UserError(ended["error"] or f"the job was {ended['state']}; wanted one that is done")
                paths = [str(path) for path in service.download(job, folder / job) if path.parent.name != "live"]
        except (UserError, ValueError, TypeError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        video, report = (next((p for p in paths if p.endswith(end)), None) for end in (".mp4", "report.html"))
        yield job, frame, video, report, paths

    with gr.Blocks(title="VistaDream", delete_cache=(3600, 86_400)) as blocks, Client(url) as service:
        known = service.knobs()["properties"]
        photo = gr.Image(type="filepath", image_mode=None, label="Photo")
        stage = gr.Radio(known["stage"]["enum"], value=known["stage"]["default"], label="Stage")
        recipes = {str(each or "standard"): each for each in known["recipe"]["enum"]}
        recipe = gr.Radio([*recipes], value="standard", label="Recipe")
        seed = gr.Number(known["seed"]["default"], precision=0, label="Seed")
        knobs = gr.Code("{}", language="json", label="Further knobs")
        go, job = gr.Button("Make the scene", variant="primary"), gr.Textbox(label="Job", interactive=False)
        shown = [job, gr.HTML(), gr.Video(label="Video"), gr.File(label="Report"), gr.Files(label="Files")]
        go.click(make, [photo, stage, recipe, seed, knobs], shown, api_name="make", concurrency_limit=None)
        gr.Button("Cancel").click(lambda job: Client(url).cancel(job) and None, [job], api_name="cancel")
    return blocks


if __name__ == "__main__":
    arguments = tyro.cli(Arguments, description=__doc__)
    sys.exit(guard.guarded("gradio_app", lambda: partial(run, arguments), "the jobs of the service go on"))
