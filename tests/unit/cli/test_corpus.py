import json
from pydoc_data.topics import topics

import pytest

from litebert.cli.main import main
from litebert.text.vocabulary import VocabularySettings, train_vocabulary


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a vocabulary and two pages of text."""
    folder = tmp_path_factory.mktemp("workplace")
    pages = [topics[name] for name in sorted(topics)[:20]]
    train_vocabulary(pages, folder / "vocabulary", VocabularySettings(vocab_size=400))
    rows = [json.dumps({"title": "x", "text": page}) for page in pages]
    (folder / "pages.jsonl").write_text("\n".join(rows))
    return folder


def build(workplace, *more: str) -> int:
    given = [workplace / "pages.jsonl", "--vocabulary", workplace / "vocabulary", *more]
    return main(["corpus", "build", *map(str, given)])


def test_a_corpus_is_built_inspected_and_verified(workplace, tmp_path, capsys):
    folder = str(tmp_path / "corpus")
    assert build(workplace, "--output", folder, "--workers", "1") == 0
    assert "20 from 1 files" in capsys.readouterr().out
    assert main(["corpus", "inspect", folder, "--max-length", "64"]) == 0
    shown = capsys.readouterr().out
    assert "[CLS]" in shown
    assert "Tokens a sentence" in shown
    assert main(["corpus", "verify", folder]) == 0
    assert "corpus is whole" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text-field", "body"], 'no field "body"; there are: title, text'),
        (["--lines", "words"], "words"),
        (["--workers", "-1"], "workers must be at least 1"),
        (["--language", "English!"], "not a language code"),
    ],
)
def test_mistakes_get_one_line_and_leave_nothing(workplace, tmp_path, capsys, more, message):
    assert build(workplace, "--output", str(tmp_path / "corpus"), *more) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in " ".join(errors)
    assert not (tmp_path / "corpus").exists()


def test_a_damaged_corpus_does_not_verify(workplace, tmp_path, capsys):
    folder = tmp_path / "corpus"
    build(workplace, "--output", str(folder))
    shard = folder / "shard-00000.arrow"
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    assert main(["corpus", "verify", str(folder)]) == 2
    assert "shard-00000.arrow, batch 0" in " ".join(capsys.readouterr().err.split())
