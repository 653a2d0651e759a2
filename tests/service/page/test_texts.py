"""The words of the page are there in each language, and each that the scripts ask for is there."""

import json
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "src" / "vistadream" / "service" / "page"
TEXTS = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (PAGE / "texts").glob("*.json")}
SCRIPTS = "".join(file.read_text() for file in PAGE.rglob("*.js") if "lib" not in file.parts)


@pytest.mark.parametrize("language", TEXTS)
def test_each_language_has_the_same_keys_in_the_same_order(language):
    assert list(TEXTS[language]) == list(TEXTS["en"])


@pytest.mark.parametrize("language", TEXTS)
def test_each_text_has_the_same_places_for_values(language):
    places = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in TEXTS["en"].items()}
    assert {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in TEXTS[language].items()} == places


def test_each_text_that_is_asked_for_is_there():
    asked = set(re.findall(r"\bt\(\"([\w.-]+)\"", SCRIPTS))
    assert len(asked) > 50
    assert asked - set(TEXTS["en"]) == set()


def test_each_text_is_asked_for():
    of_names = re.compile(r"(stage|recipe|group|state|key|stage-step|picture|file|compare|run\.part)\.")
    used = set(re.findall(r"\"([\w.-]+\.[\w.-]+)\"", SCRIPTS))
    assert [key for key in TEXTS["en"] if key not in used and not of_names.match(key)] == []
