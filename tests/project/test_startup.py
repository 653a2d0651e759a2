"""What a command imports: a library that takes long to import is imported only by the commands that use it."""

import subprocess
import sys

import pytest

COMPILER = {"torch._dynamo", "torch._inductor", "sympy"}
"""Torch's compiler, which an object of `torch.optim` imports, and what that imports: 2 s."""
MODELS = {"diffusers", "transformers", "accelerate", "huggingface_hub", "moge", "depth_anything_3", "gsplat"}
SERVICE = {"fastapi", "httpx", "pydantic", "sqlalchemy", "starlette", "uvicorn", "websockets"}
RUN = ("single-img", "stage=no-outpaint", "max_resolution=64", "stages.initialize.steps=1", "export.videos=[]")


def imported_by(*words: str) -> set[str]:
    """The modules that a process has imported when the command `vistadream` with these words has ended."""
    code = "import sys; from vistadream.commands.main import main; code = main(sys.argv[1:]); print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", f"{code}; sys.exit(code)", *words], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--help"], ["single-img", "--help"]])
def test_help_imports_no_library_of_numbers(words):
    assert not imported_by(*words) & {"torch", "numpy", "numba", "cv2", "rerun", *MODELS, *SERVICE}


def test_printing_the_configuration_imports_torch_which_knows_the_gpu_but_no_kernels():
    modules = imported_by("single-img", "--cfg")
    assert "torch" in modules
    assert not modules & {"numba", "rerun", *COMPILER, *MODELS}


def test_an_unwatched_run_imports_neither_rerun_nor_what_no_stage_uses(tmp_path):
    modules = imported_by(*RUN, "rerun.mode=off", f"out={tmp_path}")
    assert "torch" in modules
    assert not modules & {"rerun", *COMPILER, *MODELS, *SERVICE}
    assert not list(tmp_path.rglob("*.rrd"))


def test_a_recorded_run_imports_rerun(tmp_path):
    assert "rerun" in imported_by(*RUN, "rerun.mode=save", f"out={tmp_path}")
    assert list(tmp_path.rglob("run.rrd"))
