"""`vistadream app`: its help and its knobs."""

from vistadream.commands.main import main


def test_help_names_its_knobs_and_those_of_the_service(capsys):
    assert main(["app", "--help"]) == 0
    said = capsys.readouterr().out
    for knob in ("port", "browser", "gallery", "data", "workers", "drain_s"):
        assert f"\n{knob}: " in said
    assert said.index("\nport: 7860") < said.index("\nport: 8000")


def test_the_configuration_is_that_of_the_service_with_its_own_port(capsys):
    assert main(["app", "--cfg", "browser=never", "workers=2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"port: 7860", "browser: never", "workers: 2", "host: 127.0.0.1"} <= {*lines}
    assert lines[lines.index("gallery:") + 1] == "- outputs"


def test_a_wrong_word_is_one_sentence(capsys):
    assert main(["app", "browser=maybe"]) == 2
    assert "browser" in capsys.readouterr().err
    assert main(["app", "brwser=never"]) == 2
    assert "did you mean browser?" in capsys.readouterr().err
