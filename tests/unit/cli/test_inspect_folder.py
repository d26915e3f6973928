"""One command for folders and for layers, also where a folder is called layers."""

from pathlib import Path

import pytest

from litebert.cli.main import main
from small_models import save_small_model

COMPUTED = ["--device", "cpu", "--threads", "1"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    save_small_model(tmp_path / "model")
    save_small_model(tmp_path / "layers")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_described(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "model"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "folder", "model"]
    assert any(line.startswith("sharing ") for line in lines)
    assert "litebert finetune model TABLE" in lines[-1]


def test_a_folder_called_layers_is_reached_by_its_path(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "./layers"]) == 0
    assert capsys.readouterr().out.startswith("model folder")
    assert main(["inspect", "layers"]) == 2
    assert "as ./layers" in capsys.readouterr().err
    assert main(["inspect", "layers", "layers", "the old house", *COMPUTED]) == 0


def test_layers_are_printed_and_drawn(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["inspect", "layers", "model", "layers", "the old house", *COMPUTED]
    assert main([*arguments, "--output", "page.html"]) == 0
    said = capsys.readouterr()
    assert "Cosine similarity" in said.out
    assert "page.html shows the curves" in said.err
    assert (models / "page.html").read_text().count("<svg") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "nowhere"], "nowhere does not exist"),
        (["inspect"], "PATH is not given"),
        (["inspect", "model", "layers"], 'unexpected argument "layers"'),
        (["inspect", "layers", "model"], "needs a model folder and, last, a text"),
        (["inspect", "layers", "model", "text.txt"], "text.txt does not exist"),
        (["inspect", "layers", "model", "layers"], "layers is a folder where the text"),
        (["inspect", "layers", "model", ""], "TEXT is empty"),
    ],
)
def test_a_mistake_gets_one_line(
    arguments: list[str], words: str, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
