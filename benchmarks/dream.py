"""DREAM's dialogues in RACE's form, a file a split, so that RACE's reader can be tried on them.

DREAM asks with three options and has no levels; its questions go to "high", since they are for
college and university. Run: python benchmarks/dream.py DREAM_FOLDER OUTPUT_FOLDER, then read with
`read_race(OUTPUT_FOLDER, split)`. Prints the numbers of dialogues and questions as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from litebert.foundation.files import atomic_file, read_json

SPLITS = ("train", "dev", "test")


def convert(source: Path, target: Path) -> dict[str, dict[str, int]]:
    counts = {}
    for split in SPLITS:
        rows = [article(*row) for row in read_json(source / f"{split}.json")]
        with atomic_file(target / "RACE" / split / "high" / "all.txt", "w") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        questions = sum(len(row["questions"]) for row in rows)
        counts[split] = {"dialogues": len(rows), "questions": questions}
    return counts


def article(turns: list[str], questions: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {
        "id": key,
        "article": "\n".join(turns),
        "questions": [row["question"] for row in questions],
        "options": [row["choice"] for row in questions],
        "answers": ["ABC"[row["choice"].index(row["answer"])] for row in questions],
    }


if __name__ == "__main__":
    print(json.dumps(convert(Path(sys.argv[1]), Path(sys.argv[2])), indent=2))
