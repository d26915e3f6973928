"""Predictions of GLUE's test sets as the official site takes them: a zip of TSV files."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from litebert.foundation.files import atomic_file
from litebert.tasks.glue.data import GlueExample
from litebert.tasks.glue.tasks import GLUE, GlueTask

_DATE = (1980, 1, 1, 0, 0, 0)  # the least a zip can hold: equal predictions give equal bytes


def submission_file(
    task: GlueTask, examples: Sequence[GlueExample], predicted: Sequence[float]
) -> str:
    """The text of one file: index and prediction of each row of a test set (N,).

    `predicted` has indices into `task.labels`, which are written as the label's word, or numbers,
    which are brought into the task's range. Raises ValueError where there are not N of them.
    """
    if len(examples) != len(predicted):
        raise ValueError(f"{len(predicted)} predictions for {len(examples)} rows")
    lines = ["index\tprediction"]
    for example, value in zip(examples, predicted, strict=True):
        lines.append(f"{example.index}\t{_written(task, value)}")
    return "\n".join(lines) + "\n"


def write_submission(path: Path, files: Mapping[tuple[str, str], str]) -> list[str]:
    """Write the zip from texts of `submission_file` by (task name, split).

    Returns the names of the official files it lacks: the site takes a zip of all of them. Raises
    StorageError where it cannot be written.
    """
    names = {GLUE[task].submission[split]: text for (task, split), text in files.items()}
    with atomic_file(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, names[name])
    return [
        name for task in GLUE.values() for name in task.submission.values() if name not in names
    ]


def _written(task: GlueTask, value: float) -> str:
    if task.score_range is None:
        return task.labels[int(value)]
    low, high = task.score_range
    return f"{min(max(float(value), low), high):.4f}"
