"""What GLUE's tasks give without a model: the commonest label, and the words that a pair shares.

The measure is Jaccard's: the words that both texts have over those that either has. STS-B is its
correlation with the scores; where there are labels, one threshold is chosen on the training rows.
Run: python benchmarks/overlap.py GLUE [TASK …]. Prints JSON: the development set's scores.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from litebert.tasks.glue.data import GlueExample, read_glue
from litebert.tasks.glue.tasks import GLUE, GlueTask
from litebert.tasks.metrics.classification import accuracy
from litebert.tasks.metrics.correlation import pearson, spearman

WORD = re.compile(r"\w+")


def main() -> None:
    data, names = Path(sys.argv[1]), sys.argv[2:]
    trained = [name for name, task in GLUE.items() if "train" in task.files]
    chosen = names or [name for name in trained if (data / GLUE[name].folder).is_dir()]
    print(json.dumps({name: baselines(GLUE[name], data) for name in chosen}, indent=2))


def baselines(task: GlueTask, data: Path) -> dict[str, float]:
    """The scores of both guesses, as far as the task has them."""
    training = read_glue(task, data, "train", skip_bad=True).examples
    scored = read_glue(task, data, "dev").examples
    shared = [jaccard(row) for row in scored]
    if task.regression:
        truth = [float(row.label) for row in scored]
        found = {"overlap_pearson": pearson(truth, shared)}
        return found | {"overlap_spearman": spearman(truth, shared)}
    commonest = Counter(row.label for row in training).most_common(1)[0][0]
    found = {"commonest": sum(row.label == commonest for row in scored) / len(scored)}
    if task.pair is not None and len(task.labels) == 2:
        threshold, above = stump(training, task.labels)
        guesses = [above if share >= threshold else 1 - above for share in shared]
        found["overlap"] = accuracy([task.labels.index(row.label) for row in scored], guesses)
    return {name: round(value, 4) for name, value in found.items()}


def jaccard(row: GlueExample) -> float:
    first, second = (set(WORD.findall((text or "").lower())) for text in (row.text, row.pair))
    return len(first & second) / max(1, len(first | second))


def stump(rows: list[GlueExample], labels: tuple[str, ...]) -> tuple[float, int]:
    """The threshold with fewest errors on the rows, and the label from it upwards."""
    order = sorted((jaccard(row), labels.index(row.label)) for row in rows)
    values, truth = np.array([value for value, _ in order]), np.array([label for _, label in order])
    below = np.concatenate([[0], np.cumsum(truth)])  # of label 1, before each place
    ones_above = (np.arange(len(truth) + 1) - below) + (below[-1] - below)  # right if 1 is above
    places = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    right = np.stack([len(truth) - ones_above[places], ones_above[places]])
    above, best = np.unravel_index(int(right.argmax()), right.shape)
    return float(values[places[best]]), int(above)


if __name__ == "__main__":
    main()
