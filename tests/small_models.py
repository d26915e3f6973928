"""A small vocabulary, a small model folder and a task it learns in a second, for tests."""

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from fakes import tiny_config
from litebert.encoder.models import PretrainingModel
from litebert.foundation.randomness import generator
from litebert.tasks.settings import FinetuneSettings
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary
from litebert.weights.folder import save_model

WORDS = {
    "good": ["bright", "warm", "kind", "lovely", "gentle"],
    "bad": ["gloomy", "cold", "cruel", "nasty", "harsh"],
}
FILLER = [
    *("the", "a", "day", "house", "morning", "garden", "over", "under"),
    *("with", "and", "river", "table", "window", "green", "old"),
]


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(text, label) rows of 3 to 12 words, one of which tells the label."""
    rows: list[tuple[str, str]] = []
    for index in range(count):
        draws = generator(seed, "sentence", index)
        label = ("bad", "good")[index % 2]
        words = [str(word) for word in draws.choice(FILLER, draws.integers(2, 12))]
        words.insert(int(draws.integers(len(words))), str(draws.choice(WORDS[label])))
        rows.append((" ".join(words), label))
    return rows


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """Write a table with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def labelled_csv(path: Path, count: int, seed: int = 0) -> Path:
    """Write rows of `sentences` under the columns text and label."""
    return write_csv(path, ("text", "label"), sentences(count, seed))


@cache
def small_tokenizer() -> Tokenizer:
    """Some 60 pieces that cover the words of `sentences`."""
    texts = [text for text, _ in sentences(400, seed=7)]
    with TemporaryDirectory() as folder:
        settings = VocabularySettings(vocab_size=60, character_coverage=1.0)
        train_vocabulary(texts, Path(folder) / "vocabulary", settings)
        return Tokenizer.load(Path(folder) / "vocabulary")


def save_small_model(folder: Path) -> Path:
    """Write a model folder as pretraining leaves it, with random weights."""
    tokenizer = small_tokenizer()
    config = tiny_config(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        num_hidden_layers=1,
        intermediate_size=64,
    )
    torch.manual_seed(0)
    save_model(folder, PretrainingModel(config), tokenizer)
    return folder


def quick_settings(**sections: dict[str, object]) -> FinetuneSettings:
    """Settings under which the small model learns the task within a few epochs."""
    values: dict[str, dict[str, object]] = {
        "course": {"epochs": 4},
        "schedule": {"learning_rate": 3e-3},
        "training": {"batch_size": 8},
        "machine": {"threads": 1, "precision": "fp32", "device": "cpu"},
    }
    for name, changes in sections.items():
        values[name] = {**values.get(name, {}), **changes}
    return FinetuneSettings.parse(values)
