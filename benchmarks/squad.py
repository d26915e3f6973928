"""Speed of making windows of questions, with the characters of every token. Prints JSON.

    python benchmarks/squad.py QUESTIONS VOCABULARY [--max-length N] [--doc-stride N] [--repeats N]

QUESTIONS is a file of SQuAD. Windows a second of CPU time, on one core, medians of the repeats:
`windows` in the order of the file, in which questions about a context follow each other and share
the work on it; `windows_alone` with every context tokenised anew.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from litebert.tasks.span.questions import SquadQuestion
from litebert.tasks.span.windows import windows_of
from litebert.tasks.squad.data import read_squad
from litebert.text.tokenizer import Tokenizer


def speed(
    questions: Iterable[SquadQuestion], tokenizer: Tokenizer, lengths: tuple[int, int]
) -> tuple[int, float]:
    """Windows, and windows a second."""
    texts = [(question.question, question.context) for question in questions]
    began = time.process_time()
    count = sum(len(windows) for windows in windows_of(texts, tokenizer, *lengths))
    return count, count / (time.process_time() - began)


def apart(questions: list[SquadQuestion]) -> list[SquadQuestion]:
    """The first question about each context, then the second, and so on."""
    asked: Counter[str] = Counter()
    ranked = []
    for question in questions:
        ranked.append((asked[question.context], question))
        asked[question.context] += 1
    return [question for _, question in sorted(ranked, key=lambda pair: pair[0])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--max-length", type=int, default=384)
    parser.add_argument("--doc-stride", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    tokenizer = Tokenizer.load(given.vocabulary)
    began = time.process_time()
    questions = read_squad(given.questions, labelled=False).examples
    reading = time.process_time() - began
    lengths = given.max_length, given.doc_stride
    orders = {"windows": questions, "windows_alone": apart(questions)}
    found: dict[str, list[float]] = {name: [] for name in orders}
    for _ in range(given.repeats):
        for name, order in orders.items():
            count, rate = speed(order, tokenizer, lengths)
            found[name].append(rate)
    print(
        json.dumps(
            {
                "questions": len(questions),
                "windows": count,
                "seconds_to_read": round(reading, 3),
                "a_second": {name: round(statistics.median(v)) for name, v in found.items()},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
