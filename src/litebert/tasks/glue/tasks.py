"""The tasks of GLUE as one table, and their scores.

Sources: the official files' columns; the original's classifier_utils.py for labels in their order
and the score that chooses a checkpoint (the first of `metrics`); the paper's Table 14 for presets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from litebert.foundation.errors import ConfigError, nearest
from litebert.tasks.metrics import accuracy, binary_f1, matthews, pearson, spearman
from litebert.tasks.presets import Preset

GlueMetric = Literal["accuracy", "f1", "matthews", "pearson", "spearman"]

_METRICS: dict[GlueMetric, Callable[[Sequence[float], Sequence[float]], float]] = {
    "accuracy": accuracy,
    "f1": binary_f1,
    "matthews": matthews,
    "pearson": pearson,
    "spearman": spearman,
}
_FILES = {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"}
_INFERENCE = ("contradiction", "entailment", "neutral")
_TWO_WAY = ("entailment", "not_entailment")


@dataclass(frozen=True)
class GlueTask:
    """One task: where its rows are, what they hold, how they are scored and handed in.

    Columns go by the names of the official header. A file without a header has `bare_columns`.
    """

    name: str
    folder: str
    """The folder of the task's files in the official download."""
    text: str
    pair: str | None
    label: str
    labels: tuple[str, ...]
    """The labels in the order of the model's outputs; none where a number is predicted."""
    metrics: tuple[GlueMetric, ...]
    """The official scores; the first is the one of the paper's tables."""
    submission: dict[str, str]
    """The official name of the predictions of each test split."""
    preset: Preset | None
    """The paper's hyper-parameters; of AX those of MNLI, whose model it is for."""
    index: str = "index"
    files: dict[str, str] = field(default_factory=lambda: _FILES)
    """File names by split; splits that begin with "test" have no labels."""
    bare_columns: tuple[str, ...] = ()
    short_rows_skipped: bool = False
    """Whether the official training file has rows that break off, which the original skips."""
    starts_from_mnli: bool = False
    """Whether the paper starts from a model tuned on MNLI, with the head replaced."""
    score_range: tuple[float, float] | None = None
    """The least and the greatest number, where one is predicted."""

    @property
    def regression(self) -> bool:
        """Whether a number is predicted, not a label."""
        return self.score_range is not None


GLUE: dict[str, GlueTask] = {
    task.name: task
    for task in (
        GlueTask(
            name="cola",
            folder="CoLA",
            text="sentence",
            pair=None,
            label="label",
            labels=("0", "1"),
            bare_columns=("source", "label", "mark", "sentence"),
            metrics=("matthews", "accuracy"),
            submission={"test": "CoLA.tsv"},
            preset=Preset(1e-5, 16, 0.0, 0.1, 5336, 320, 512),
        ),
        GlueTask(
            name="sst-2",
            folder="SST-2",
            text="sentence",
            pair=None,
            label="label",
            labels=("0", "1"),
            metrics=("accuracy",),
            submission={"test": "SST-2.tsv"},
            preset=Preset(1e-5, 32, 0.0, 0.1, 20935, 1256, 512),
        ),
        GlueTask(
            name="mrpc",
            folder="MRPC",
            text="#1 String",
            pair="#2 String",
            label="Quality",
            labels=("0", "1"),
            metrics=("accuracy", "f1"),
            submission={"test": "MRPC.tsv"},
            preset=Preset(2e-5, 32, 0.0, 0.1, 800, 200, 512),
            starts_from_mnli=True,
        ),
        GlueTask(
            name="sts-b",
            folder="STS-B",
            text="sentence1",
            pair="sentence2",
            label="score",
            labels=(),
            metrics=("pearson", "spearman"),
            submission={"test": "STS-B.tsv"},
            preset=Preset(2e-5, 16, 0.0, 0.1, 3598, 214, 512),
            starts_from_mnli=True,
            score_range=(0.0, 5.0),
        ),
        GlueTask(
            name="qqp",
            folder="QQP",
            text="question1",
            pair="question2",
            label="is_duplicate",
            labels=("0", "1"),
            index="id",
            metrics=("accuracy", "f1"),
            submission={"test": "QQP.tsv"},
            preset=Preset(5e-5, 128, 0.1, 0.1, 14000, 1000, 512),
            short_rows_skipped=True,
        ),
        GlueTask(
            name="mnli",
            folder="MNLI",
            text="sentence1",
            pair="sentence2",
            label="gold_label",
            labels=_INFERENCE,
            files={
                "train": "train.tsv",
                "dev": "dev_matched.tsv",
                "dev_mismatched": "dev_mismatched.tsv",
                "test": "test_matched.tsv",
                "test_mismatched": "test_mismatched.tsv",
            },
            metrics=("accuracy",),
            submission={"test": "MNLI-m.tsv", "test_mismatched": "MNLI-mm.tsv"},
            preset=Preset(3e-5, 128, 0.0, 0.1, 10000, 1000, 512),
        ),
        GlueTask(
            name="qnli",
            folder="QNLI",
            text="question",
            pair="sentence",
            label="label",
            labels=_TWO_WAY,
            metrics=("accuracy",),
            submission={"test": "QNLI.tsv"},
            preset=Preset(1e-5, 32, 0.0, 0.1, 33112, 1986, 512),
        ),
        GlueTask(
            name="rte",
            folder="RTE",
            text="sentence1",
            pair="sentence2",
            label="label",
            labels=_TWO_WAY,
            metrics=("accuracy",),
            submission={"test": "RTE.tsv"},
            preset=Preset(3e-5, 32, 0.1, 0.1, 800, 200, 512),
            starts_from_mnli=True,
        ),
        GlueTask(
            name="wnli",
            folder="WNLI",
            text="sentence1",
            pair="sentence2",
            label="label",
            labels=("0", "1"),
            metrics=("accuracy",),
            submission={"test": "WNLI.tsv"},
            preset=Preset(2e-5, 16, 0.1, 0.1, 2000, 250, 512),
        ),
        GlueTask(
            name="ax",
            folder="diagnostic",
            text="sentence1",
            pair="sentence2",
            label="label",
            labels=_INFERENCE,
            files={"test": "diagnostic.tsv"},
            metrics=("matthews",),
            submission={"test": "AX.tsv"},
            preset=None,
        ),
    )
}

PAPER_ROW = ("mnli", "qnli", "qqp", "rte", "sst-2", "mrpc", "cola", "sts-b")
"""The tasks of the paper's GLUE table, in the order of its columns."""


def glue_task(name: str) -> GlueTask:
    """The row of a task by its name, in any case. Raises ConfigError naming the nearest ones."""
    task = GLUE.get(name.lower())
    if task is None:
        raise ConfigError(f'"{name}" is no task of GLUE: {nearest(name.lower(), GLUE)}')
    return task


def glue_scores(
    task: GlueTask, truth: Sequence[float], predicted: Sequence[float]
) -> dict[GlueMetric, float]:
    """The official scores, from indices into `task.labels`, or numbers for regression (N,).

    Raises ValueError where N is 0 or differs.
    """
    return {name: _METRICS[name](truth, predicted) for name in task.metrics}
