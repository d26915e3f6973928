"""How fast labelled data become token sequences, reading included, on one thread.

SST-2's training rows (GLUE's folder) and the questions of a folder in RACE's form, each read from
its files and encoded as fine-tuning does. Run: python benchmarks/tasks.py TOKENIZER GLUE RACE.
Prints JSON: for each the rows (a question with all its options is one), the seconds of the fastest
and the median of five runs, and rows a second.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from litebert.tasks.choice.questions import encode_questions
from litebert.tasks.features import encode_texts
from litebert.tasks.glue.data import read_glue
from litebert.tasks.race.data import read_race
from litebert.text.tokenizer import Tokenizer

REPEATS = 5


def measured(work: Callable[[], int]) -> dict[str, float]:
    """Rows and seconds of several runs of `work`, which returns the number of rows."""
    rows, seconds = 0, []
    for _ in range(REPEATS):
        start = time.perf_counter()
        rows = work()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return {
        "rows": rows,
        "fastest_seconds": round(min(seconds), 3),
        "median_seconds": round(median, 3),
        "rows_per_second": round(rows / median),
    }


def main() -> None:
    tokenizer = Tokenizer.load(sys.argv[1])
    glue, race = Path(sys.argv[2]), Path(sys.argv[3])

    def sst2() -> int:
        texts = ((row.text, row.pair) for row in read_glue("sst-2", glue).examples)
        return len(list(encode_texts(texts, tokenizer, 512)))

    def questions() -> int:
        return len(list(encode_questions(read_race(race).examples, tokenizer)))

    print(json.dumps({"sst-2": measured(sst2), "race": measured(questions)}, indent=2))


if __name__ == "__main__":
    main()
