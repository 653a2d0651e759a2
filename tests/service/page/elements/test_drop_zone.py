"""What a photo is refused for before it is sent, and the ways by which one comes."""

import base64
import json

import pytest
from PIL import Image
from tests.service.conftest import Running, Start
from tests.service.page.conftest import NEW_SCENE, Tab

from vistadream.assets import sample_image


@pytest.fixture(scope="module")
def strict(start: Start) -> Running:
    """A service without workers that takes little."""
    limits = ("max_upload_mb=2", "batches.max_upload_mb=5", "batches.max_files=3")
    return start("min_free_gb=0", "workers=0", "drain_s=0", *limits)


@pytest.fixture
def page(tab, strict) -> Tab:
    page = tab(strict)
    page.open(NEW_SCENE)
    return page


def sent(page: Tab) -> list[str]:
    return [url for url in page.requests if "predict" in url or "batches" in url]


def of_size(name: str, size: int) -> dict:
    """The sample with zeros after it, as a file of this many bytes."""
    return {"name": name, "mimeType": "image/png", "buffer": sample_image().read_bytes().ljust(size, b"\0")}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([of_size("big.png", 2_100_000)], "big.png has 2.1 MB, and this service takes 2.0 MB at most"),
        ([of_size(f"{n}.png", 1_900_000) for n in range(3)], "have 5.7 MB together, and this service takes 5.0 MB"),
        ([of_size(f"{n}.png", 1) for n in range(4)], "These are 4 photos, and this service takes 3 at once"),
    ],
)
def test_too_much_is_said_with_the_limits_of_the_service(files, said, page):
    page.choose(*files)
    assert said in page.see("vd-drop-zone .bad").inner_text()
    assert sent(page) == []


def test_too_many_pixels_are_said(page, strict, tmp_path):
    limit = strict.client.get("/v1/page").json()["limits"]["pixels"]
    picture = tmp_path / "wide.png"
    Image.new("1", (20_000, limit // 20_000 + 1)).save(picture)
    page.choose(picture)
    assert "wide.png has 179 megapixels, and 178 are the most" in page.see("vd-drop-zone .bad").inner_text()
    assert sent(page) == []


def test_each_wrong_file_is_named(page):
    contents = {"a.txt.jpg": b"no picture", "b.png": b""}
    wrong = [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in contents.items()]
    page.choose(of_size("right.png", 1), *wrong)
    page.see("vd-drop-zone .bad >> nth=1")
    text = page.page.locator("vd-drop-zone").inner_text()
    assert "a.txt.jpg is not a picture" in text
    assert "b.png is empty" in text
    assert "right.png" not in text
    assert sent(page) == []


@pytest.mark.parametrize(("kind", "carrier"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_a_photo_that_is_dropped_anywhere_or_pasted_is_taken(kind, carrier, page):
    content = base64.b64encode(sample_image().read_bytes()).decode()
    page.see(".sample")
    page.ask(
        f"""(() => {{
          const bytes = Uint8Array.from(atob("{content}"), (letter) => letter.charCodeAt(0));
          const carried = new DataTransfer();
          carried.items.add(new File([bytes], "taken.png", {{ type: "image/png" }}));
          const Kind = {{ drop: DragEvent, paste: ClipboardEvent }}["{kind}"];
          document.body.dispatchEvent(new Kind("{kind}", {{ {carrier}: carried, bubbles: true, cancelable: true }}));
        }})()"""
    )
    assert page.see("figcaption").inner_text() == "taken.png"


def test_a_phone_offers_its_camera(tab, strict):
    phone = tab(strict, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone.open()
    assert phone.see(".by-phone label").inner_text() == "Take a photo"
    phone.page.set_input_files("#camera", sample_image())
    phone.see(".cards .card")


def test_several_become_a_batch_and_words_a_prompt(page, strict):
    page.choose(of_size("one.png", 1), of_size("two.png", 1))
    page.press("Make the scene")
    page.see("vd-scene-card >> nth=1")
    names = [entry["name"] for entry in strict.client.get("/v1/gallery").json()["entries"]]
    assert names[:2] == ["two", "one"]
    page.open(NEW_SCENE)
    page.page.get_by_label("Describe a place").fill("a <b>quiet</b> library")
    page.press("Continue")
    page.press("Make the scene")
    page.expected += ("422",)
    assert "prompt" in page.see(".said .bad").inner_text(), "this service has no model that paints"
    assert page.page.locator("blockquote").inner_text() == "a <b>quiet</b> library"


def test_the_way_back_leads_to_the_photo_and_forth_again(page):
    page.choose()
    page.see(".cards .card")
    page.page.go_back()
    page.see(".sample")
    assert "knobs" in page.page.url
    page.page.go_forward()
    page.see(".cards .card")
    page.page.reload()
    page.see(".sample")


def test_an_upload_can_be_stopped(page, strict):
    before = strict.client.get("/v1/jobs").json()["jobs"]
    page.page.route("**/v1/predict", lambda route: None)  # it never comes to an end
    page.choose()
    page.press("Make the scene")
    page.press("Stop the upload")
    page.see("button:text-is('Make the scene')")
    assert strict.client.get("/v1/jobs").json()["jobs"] == before
    assert json.loads(page.ask("new URLSearchParams(location.hash.split('?')[1]).get('knobs')"))
