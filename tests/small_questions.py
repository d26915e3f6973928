"""A multiple-choice task that a small model learns in a second, also in RACE's form."""

import json
from collections.abc import Sequence
from pathlib import Path

from litebert.foundation.randomness import generator
from litebert.tasks.choice.questions import LETTERS, ChoiceExample
from small_models import WORDS, sentences


def questions(count: int, seed: int = 0, options: int = 4) -> list[ChoiceExample]:
    """Two questions an article; of the options one is a good word, and that is the right one."""
    articles = [text for text, _ in sentences(-(-count // 2), seed)]
    examples = []
    for index in range(count):
        draws = generator(seed, "question", index)
        words = [str(word) for word in draws.choice(WORDS["bad"], options)]
        label = int(draws.integers(options))
        words[label] = str(draws.choice(WORDS["good"]))
        question = ("the day was _", "a house")[index % 2]
        key, level = f"{index // 2}.txt#{index % 2 + 1}", ("middle", "high")[index // 2 % 2]
        article = articles[index // 2]
        examples.append(ChoiceExample(key, article, question, tuple(words), label, level))
    return examples


def write_questions(path: Path, examples: Sequence[ChoiceExample]) -> Path:
    """Write examples as JSON lines with article, question, options and answer."""
    rows = [
        {
            "article": example.article,
            "question": example.question,
            "options": example.options,
            "answer": None if example.label is None else LETTERS[example.label],
        }
        for example in examples
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_race(root: Path, split: str, examples: Sequence[ChoiceExample]) -> Path:
    """Write examples in RACE's form, a file an article; returns `root`."""
    articles: dict[str, list[ChoiceExample]] = {}
    for example in examples:
        articles.setdefault(example.id.partition("#")[0], []).append(example)
    for name, rows in articles.items():
        path = root / "RACE" / split / rows[0].level / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {
            "id": name,
            "article": rows[0].article,
            "questions": [row.question for row in rows],
            "options": [row.options for row in rows],
            "answers": [None if row.label is None else LETTERS[row.label] for row in rows],
        }
        path.write_text(json.dumps(values), "utf-8")
    return root
