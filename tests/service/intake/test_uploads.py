"""What a request to predict may hold: each bad one is one problem, and leaves nothing on disk."""

import io
import json
import socket
import time

import httpx
import pytest
from PIL import Image

from vistadream.assets import sample_image
from vistadream.service.intake.uploads import safe_name

PICTURE = sample_image().read_bytes()


def png(width: int, height: int) -> bytes:
    """A white picture of one bit for each pixel."""
    stream = io.BytesIO()
    Image.frombytes("1", (width, height), bytes(-(-width // 8) * height)).save(stream, "PNG")
    return stream.getvalue()


def problem(answer: httpx.Response, status: int) -> dict:
    """The problem of an answer, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


NESTED = "[" * 1000 + "]" * 1000
BAD = {
    "no file": ({}, {}, 422, "there is no picture; wanted one in the part file, an image_url, or a prompt in knobs"),
    "empty": ({"file": ("a.jpg", b"")}, {}, 422, "a.jpg is empty"),
    "text called jpg": ({"file": ("a.jpg", b"Dear Sir")}, {}, 415, "a.jpg is not a picture that can be read"),
    "part of a picture": ({"file": ("a.png", PICTURE[:20])}, {}, 415, "a.png is not a picture that can be read"),
    "too many pixels": (
        {"file": ("a.png", png(20_000, 20_000))},
        {},
        422,
        "a.png has too many pixels; wanted under 178",
    ),
    "picture and prompt": ({"file": PICTURE}, {"knobs": '{"prompt": "a barn"}'}, 422, "both given"),
    "unknown part": ({"file": PICTURE}, {"output": "x"}, 422, "'output' is not a part of this request"),
    "two files": ([("file", PICTURE), ("file", PICTURE)], {}, 400, "two files"),
    "part twice": ({"file": PICTURE}, {"knobs": ["{}", "{}"]}, 400, "the part knobs occurs twice"),
    "no json": ({"file": PICTURE}, {"knobs": "stage=coarse"}, 400, "the part knobs is not JSON"),
    "no object": ({"file": PICTURE}, {"knobs": "[1]"}, 400, "is not an object"),
    "key twice": ({"file": PICTURE}, {"knobs": '{"seed": 1, "seed": 2}'}, 400, "the key 'seed' occurs twice"),
    "nested": ({"file": PICTURE}, {"knobs": f'{{"seed": {NESTED}}}'}, 400, "nest 1001 deep"),
    "NaN": ({"file": PICTURE}, {"knobs": '{"expansion": NaN}'}, 400, "holds NaN"),
    "infinite": ({"file": PICTURE}, {"knobs": '{"expansion": 1e999}'}, 400, "too large"),
    "long text": (
        {"file": PICTURE},
        {"knobs": json.dumps({"prompt": "a" * 1_000_000})},
        413,
        "the part knobs is too long",
    ),
    "large seed": ({"file": PICTURE}, {"knobs": json.dumps({"seed": 10**30})}, 422, "seed"),
    "wrong type": ({"file": PICTURE}, {"knobs": '{"seed": "three"}'}, 422, "seed"),
    "unknown knob": (
        {"file": PICTURE},
        {"knobs": '{"stages.coarse.step": 1}'},
        422,
        "did you mean stages.coarse.steps?",
    ),
    "a path": ({"file": PICTURE}, {"knobs": '{"image": "/etc/passwd"}'}, 422, "cannot be set from outside"),
    "a target": ({"file": PICTURE}, {"knobs": '{"backends.depth._target_": "os.system"}'}, 422, "cannot be set"),
    "a resolver": ({"file": PICTURE}, {"knobs": '{"stage": "${oc.env:HOME}"}'}, 422, "stage"),
    "plus": ({"file": PICTURE}, {"knobs": '{"+seed": 3}'}, 422, "seed"),
    "no number": ({"file": PICTURE}, {"priority": "high"}, 422, "priority is 'high'"),
    "no yes or no": ({"file": PICTURE}, {"degrade": "maybe"}, 422, "degrade is 'maybe'"),
    "high number": ({"file": PICTURE}, {"priority": "101"}, 422, "priority is '101'"),
}  # name -> files, texts, status, what the problem says


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_one_problem_and_leaves_nothing(name, service):
    files, texts, status, said = BAD[name]
    files = files or {"knobs": (None, "{}")}
    found = problem(service.client.post("/v1/predict", files=files, data=texts), status)
    assert said in found["detail"]
    assert str(service.data) not in found["detail"], "no path of the server"
    assert service.nothing_is_left()
    assert service.client.get("/v1/jobs").json()["jobs"] == []


def test_the_problem_of_a_knob_names_it(service):
    answer = service.client.post("/v1/predict", files={"file": PICTURE}, data={"knobs": '{"seed": "three"}'})
    assert problem(answer, 422)["knob"] == "seed"


def test_a_body_that_is_no_form_is_refused(service):
    for kind in ("application/json", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"):
        answer = service.client.post("/v1/predict", content=b"{}", headers={"Content-Type": kind})
        assert "multipart/form-data" in problem(answer, 415)["detail"]
    answer = service.client.post(
        "/v1/predict", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    problem(answer, 400)
    assert service.nothing_is_left()


@pytest.fixture(scope="module")
def narrow(start):
    """A service that takes 1 MB, and waits 1 s for the rest of a body."""
    return start("min_free_gb=0", "max_upload_mb=1", "body_idle_s=1", "drain_s=0")


def test_a_large_body_is_refused_whether_or_not_it_says_how_large_it_is(narrow):
    large = b"\xff" * 3_000_000
    told = narrow.client.post("/v1/predict", files={"file": large})
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    chunks = (head, *[large[:100_000]] * 30, b"\r\n--x--\r\n")
    untold = narrow.client.post(
        "/v1/predict", content=iter(chunks), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert untold.request.headers["transfer-encoding"] == "chunked"
    for answer in (told, untold):
        assert "wanted at most 1 MB" in problem(answer, 413)["detail"]
    assert narrow.nothing_is_left()


def head_of(service, length: int) -> bytes:
    return (
        f"POST /v1/predict HTTP/1.1\r\nHost: {service.client.base_url.host}\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    ).encode()


def connected(service) -> socket.socket:
    return socket.create_connection((service.client.base_url.host, service.client.base_url.port), timeout=30)


def test_a_length_beyond_the_limit_is_refused_before_the_body_is_read(narrow):
    with connected(narrow) as sock:
        sock.sendall(head_of(narrow, 10**12))
        assert sock.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_stops_half_way_leaves_nothing(narrow):
    with connected(narrow) as sock:
        sock.sendall(head_of(narrow, 100_000) + PICTURE[:1000])
        assert sock.recv(100).startswith(b"HTTP/1.1 408 "), "the rest never comes"
    with connected(narrow) as sock:
        sock.sendall(head_of(narrow, 100_000) + PICTURE[:1000])
    assert narrow.client.get("/v1/ready").status_code == 200
    end = time.monotonic() + 20
    while not narrow.nothing_is_left():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../../etc/cron.d/x.png", "x.png"),
        ("..%2f..%2fx.png", "2f.._2fx.png"),
        ("C:\\Users\\me\\kitchen table.jpg", "kitchen_table.jpg"),
        ("/", "picture"),
        ("..", "picture"),
        ("-rf", "rf"),
        ("a\nb\x00c.png", "a_b_c.png"),
        ("x" * 300 + ".png", "x" * 56 + ".png"),
        ("küche.png", "k_che.png"),
    ],
)
def test_a_file_name_of_a_client_is_only_a_name(given, kept):
    assert safe_name(given) == kept
