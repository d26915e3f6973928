"""litebert vocab train."""

import json
from pydoc_data.topics import topics

import pytest

from litebert.cli.main import main
from litebert.text.normalise import Normalisation
from litebert.text.tokenizer import Tokenizer


@pytest.fixture
def text(tmp_path):
    pages = [topics[name] for name in sorted(topics)][:20]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps({"body": p}) + "\n" for p in pages))
    (tmp_path / "pages.txt").write_text("\n\n".join(pages), encoding="utf-8")
    return tmp_path


def test_it_trains_from_files_and_says_what_came_out(text, capsys):
    folder = text / "vocabulary"
    arguments = ["--output", str(folder), "--vocab-size", "300", "--character-coverage", "1"]
    assert main(["vocab", "train", str(text / "pages.txt"), *arguments]) == 0
    captured = capsys.readouterr()
    assert "300" in captured.out
    assert "Reading text" in captured.err
    assert Tokenizer.load(folder).vocab_size == 300


def test_settings_are_flags(text):
    folder = text / "vocabulary"
    flags = ["--no-lower-case", "--keep-accents", "--fit", "--vocab-size", "90000"]
    source = [str(text / "pages.jsonl"), "--text-field", "body"]
    assert main(["vocab", "train", *source, "--output", str(folder), *flags]) == 0
    assert Tokenizer.load(folder).normalisation == Normalisation(
        lower_case=False, keep_accents=True
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.txt"], "nowhere.txt does not exist"),
        (["pages.txt", "--vocab-size", "90000"], "more than this text allows: ask for"),
        (["pages.txt", "--vocab-size", "7"], "vocab_size"),
        (["pages.jsonl"], 'no field "text"; there are: body'),
        ([], "no input"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(text, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(text)
    assert main(["vocab", "train", *arguments, "--output", "made"]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in last
    assert not (text / "made").exists()
