"""Small questions over contexts in SQuAD's form, for tests: which telling word does a text have?"""

import json
from pathlib import Path
from typing import Any

from small_models import WORDS, sentences

ALL_WORDS = [word for words in WORDS.values() for word in words]


def squad_content(articles: int = 4, questions: int = 6, impossible: bool = False) -> Any:
    """Articles of one paragraph, each with questions about the telling words of its sentences.

    Where they may be `impossible`, every other question is about a word that is not there.
    """
    data = []
    for article in range(articles):
        rows = sentences(questions, seed=article)
        context = ". ".join(text for text, _ in rows) + "."
        missing = next(word for word in ALL_WORDS if word not in context)
        asked = []
        for number, (text, label) in enumerate(rows):
            none = impossible and number % 2 == 1
            word = next(word for word in text.split() if word in WORDS[label])
            answer = {"text": word, "answer_start": context.index(word)}
            asked.append(
                {
                    "id": f"a{article}q{number}",
                    "question": f"Where is the {missing if none else word} morning?",
                    "answers": [] if none else [answer],
                    **({"is_impossible": none} if impossible else {}),
                }
            )
        paragraph = {"context": context, "qas": asked}
        data.append({"title": f"Article {article}", "paragraphs": [paragraph]})
    return {"version": "test", "data": data}


def write_squad(path: Path, content: Any) -> Path:
    """Write a file of questions."""
    path.write_text(json.dumps(content), "utf-8")
    return path


def squad_folder(folder: Path, version: str = "1.1") -> Path:
    """A folder with a training and a development set as the official ones are called."""
    folder.mkdir(exist_ok=True)
    impossible = version == "2.0"
    write_squad(folder / f"train-v{version}.json", squad_content(4, 6, impossible))
    write_squad(folder / f"dev-v{version}.json", squad_content(6, 4, impossible))
    return folder
