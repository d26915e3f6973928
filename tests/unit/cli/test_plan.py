"""litebert plan on the command line."""

import re
from pathlib import Path

import pytest

from litebert.cli.main import main
from litebert.cli.plan import _bytes
from litebert.corpus.build import build_corpus
from small_models import sentences, small_tokenizer

SMALL = [
    *("--hidden-size", "32", "--num-hidden-layers", "1", "--max-length", "32", "--seconds", "0.1"),
    *("--precision", "fp32", "--threads", "1", "--heldout", "0.2"),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    pages = "\n\n".join(f"{text}. {text}." for text, _ in sentences(200))
    (folder / "text.txt").write_text(pages, "utf-8")
    build_corpus([folder / "text.txt"], small_tokenizer(), folder / "corpus")
    return folder / "corpus"


def test_a_plan_is_printed_and_nothing_is_written(corpus, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(corpus), *SMALL, "--steps", "50", "--optimizer", "lamb"]) == 0
    out = capsys.readouterr().out
    for line in (
        r"model +[\d,]+ parameters with heads",
        r"memory +[\d.]+ [MG]B; fits: .* are to be had",  # with all that the tests before loaded
        r"  weights +13\d kB",
        r"  activations +[\d.]+ [kM]B .*; instances at once: 16$",
        r"disk +.* for the run, fits",
        r"  checkpoints +4 of",
        r"speed +[\d,]+ tokens/s",
        r"time +.* for 50 steps: [\d,]+ tokens",
        r"  for LAMB +0\.00011: the published 0\.00176",
    ):
        assert re.search(rf"^{line}", out, re.MULTILINE), (line, out)
    assert list(tmp_path.iterdir()) == []


def test_without_a_budget_it_asks_for_one(corpus, capsys) -> None:
    assert main(["plan", str(corpus), *SMALL]) == 0
    assert "say how long to train" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "albert-bas-v2"], "albert-base-v2"),
        (["--settings", "cpu-our"], "cpu-hour"),
        (["--steps", "3", "--minutes", "1"], "choose one"),
        (["--steps", "3", "--warmup", "5"], "warm-up"),
        (["--seconds", "soon"], "seconds"),
    ],
)
def test_a_mistake_gets_one_line(corpus, arguments, words, capsys) -> None:
    assert main(["plan", str(corpus), *SMALL, *arguments]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("litebert:")]
    assert len(error) == 1
    assert words in error[0]


def test_sizes_are_said_in_units_that_suit_them() -> None:
    said = [_bytes(size) for size in (0, 1500, 22.7e6, 999.6e6, 4.13e9, 3.2e12)]
    assert said == ["0 kB", "1.5 kB", "22.7 MB", "1 GB", "4.13 GB", "3.2 TB"]
