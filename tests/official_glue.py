"""GLUE's files in their official form, all ten tasks, with rows that a small model can learn."""

from collections.abc import Sequence
from pathlib import Path

from litebert.tasks.glue.tasks import GLUE, GlueTask
from small_models import sentences

_TEXTS = ("sentence1", "sentence2")
_PARSES = [f"{text}_{kind}" for kind in ("binary_parse", "parse") for text in _TEXTS]
_MNLI = ["index", "promptID", "pairID", "genre", *_PARSES, *_TEXTS]
_STS_B = ["index", "genre", "filename", "year", "old_index", "source1", "source2", *_TEXTS]
_PAIR = ["index", *_TEXTS]

# The official header of the labelled files, and of the test files where it is another.
_HEADERS: dict[str, tuple[list[str], list[str]]] = {
    "cola": (["source", "label", "mark", "sentence"], ["index", "sentence"]),
    "sst-2": (["sentence", "label"], ["index", "sentence"]),
    "mrpc": (
        ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"],
        ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"],
    ),
    "sts-b": ([*_STS_B, "score"], _STS_B),
    "qqp": (
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        ["id", "question1", "question2"],
    ),
    "mnli": ([*_MNLI, "label1", "gold_label"], _MNLI),
    "qnli": (["index", "question", "sentence", "label"], ["index", "question", "sentence"]),
    "rte": ([*_PAIR, "label"], _PAIR),
    "wnli": ([*_PAIR, "label"], _PAIR),
    "ax": ([], _PAIR),
}


def write_glue(folder: Path, rows: int = 24, tasks: Sequence[str] = tuple(GLUE)) -> Path:
    """Write every file of the tasks; the word that tells "good" from "bad" tells the label."""
    for name in tasks:
        task = GLUE[name]
        for number, (split, file) in enumerate(task.files.items()):
            path = folder / task.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_content(task, split, rows if split == "train" else rows // 2, number))
    return folder


def _content(task: GlueTask, split: str, rows: int, seed: int) -> str:
    tested = split.startswith("test")
    header = _HEADERS[task.name][tested]
    lines = [] if task.bare_columns and not tested else [header]
    for index, (text, label) in enumerate(sentences(rows, seed)):
        score = 4.0 if label == "good" else 0.5
        named = task.labels[label == "good"] if task.labels else f"{score + index % 3 / 10:.3f}"
        known = {task.text: text, task.label: named}
        known |= {"index": str(index), "id": str(index)}
        if task.pair is not None:
            known[task.pair] = "the old house"
        lines.append([known.get(column, "x") for column in header])
    return "".join("\t".join(line) + "\n" for line in lines)
