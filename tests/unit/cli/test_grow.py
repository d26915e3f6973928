"""The command as a newcomer types it: what is printed, and one line for a mistake."""

from pathlib import Path

import pytest

from litebert.cli.main import main
from litebert.weights.folder import load_encoder
from small_models import save_small_model, small_tokenizer


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_small_model(tmp_path / "small")


def test_every_part_is_printed_with_what_became_of_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_tokenizer().save(tmp_path / "vocabulary")
    out = tmp_path / "grown"
    arguments = ["grow", str(model), str(out), "--num-hidden-layers", "4", "--sharing", "none"]
    arguments += ["--vocabulary", str(tmp_path / "vocabulary"), "--vocab-size", "64"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "num_hidden_layers  1 → 4" in printed
    assert "60 kept, 0 averaged, 0 new" in printed
    rows = [line.split() for line in printed.splitlines()]
    assert any(row[:2] == ["attention", "copied"] for row in rows)
    assert any(row[:2] == ["pooler", "kept"] for row in rows)
    assert any(row[:3] == ["word", "embeddings", "new"] for row in rows)
    assert load_encoder(out).config.sharing == "none"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "nothing is asked for: give one of --num-hidden-layers"),
        (["--hidden-size", "64"], "Unknown option: --hidden-size"),
        (["--sharing", "some"], "sharing: input should be 'all'"),
        (["--num-hidden-layers", "0"], "num_hidden_layers: input should be greater than or equal"),
        (["--vocabulary", "nowhere"], "nowhere does not exist"),
    ],
)
def test_a_mistake_gets_one_line(
    options: list[str],
    words: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["grow", str(model), str(tmp_path / "grown"), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "grown").exists()
