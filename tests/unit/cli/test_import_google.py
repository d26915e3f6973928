"""litebert import google and export google: what is printed, and one line for a mistake."""

from pathlib import Path

import pytest

from litebert.cli.main import main


@pytest.fixture
def checkpoint(golden: Path) -> Path:
    return golden / "model_shared"


def test_an_import_says_what_it_made_and_what_became_of_every_variable(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "google", str(checkpoint), str(tmp_path / "model")]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines[:5])
    assert facts["from"] == str(checkpoint / "model.ckpt-best")
    assert facts["head"] == "pretraining"
    assert facts["vocabulary"] == "none"
    counts = {line.split()[0]: line.split()[1:3] for line in lines[6:12] if line.split()}
    assert counts["loaded"] == ["23", "5,258"]
    assert counts["converted"] == ["9", "22,272"]
    assert counts["missing"] == ["0", "0"]
    assert any(line.startswith("note: albert_config.json: down_scale_factor") for line in lines)
    assert "Reading model.ckpt-best: 110,120 bytes" in said.err


def test_an_export_says_what_it_wrote(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "google", str(checkpoint), str(tmp_path / "model")]) == 0
    capsys.readouterr()
    assert main(["export", "google", str(tmp_path / "model"), str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "out" / "model.ckpt-best") in said
    assert "variables   32" in said
    for part in ("index", "data-00000-of-00001"):
        ours, theirs = (f / f"model.ckpt-best.{part}" for f in (tmp_path / "out", checkpoint))
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere", "out"], "nowhere does not exist"),
        (["{golden}", "out", "--head", "classifier"], "Did you mean classification"),
        (["{golden}", "out", "--head", "span"], "has no span"),
        (["{golden}", "out", "--config", "albert-base"], "did you mean albert-base-v1 or"),
        (["{golden}", "out", "--vocabulary", "{golden}/checkpoint"], "checkpoint"),
        (["{golden}", "{golden}"], "lie within each other"),
        (["{golden}"], "OUTPUT is not given: see litebert import google --help"),
    ],
)
def test_a_mistake_gets_one_line_and_leaves_nothing(
    arguments: list[str],
    line: str,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = [argument.replace("{golden}", str(checkpoint)) for argument in arguments]
    assert main(["import", "google", *filled]) == 2
    said = capsys.readouterr().err
    assert line in said.replace('"', "")
    assert said.startswith("litebert: ")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
