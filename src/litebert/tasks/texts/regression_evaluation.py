"""A regression measured on labelled examples: correlations, errors, and the largest of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance
from typing import Any, Self

from litebert.report.page import Cell, Fact, Figure, Section, Table
from litebert.report.plots import Level, scatter
from litebert.tasks.kind import Findings, Result
from litebert.tasks.lengths import LengthScore, length_section, score_lengths
from litebert.tasks.metrics import pearson, spearman
from litebert.tasks.texts.rows import shown_text
from litebert.tasks.words import markdown_table, shortened

SHOWN_ERRORS = 20


def number_metrics(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """All scores of predicted numbers (N,) by their names."""
    return {
        "pearson": pearson(truth, predicted),
        "spearman": spearman(truth, predicted),
        "mse": _squared_error(truth, predicted),
    }


@dataclass(frozen=True)
class Error:
    """A row whose number the model missed by much."""

    line: int
    text: str
    score: float
    predicted: float


@dataclass(frozen=True)
class RegressionEvaluation:
    """Scores on labelled rows, beside what always saying their mean would score."""

    metrics: dict[str, float]
    mean_mse: float
    """The mean squared error of always saying the mean of these rows."""
    truth: tuple[float, ...]
    predicted: tuple[float, ...]
    errors: tuple[Error, ...]
    """The largest ones first, at most `SHOWN_ERRORS`."""
    lengths: tuple[LengthScore, ...]
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, results: Sequence[Result], remarks: Sequence[str]) -> Self:
        """From the results of labelled examples."""
        truth = tuple(result.example.score for result in results)
        predicted = tuple(result.value for result in results)
        worst = sorted(range(len(results)), key=lambda i: -abs(truth[i] - predicted[i]))
        return cls(
            number_metrics(truth, predicted),
            pvariance(truth),
            truth,
            predicted,
            tuple(
                Error(
                    results[i].example.line, shown_text(results[i].example), truth[i], predicted[i]
                )
                for i in worst[:SHOWN_ERRORS]
            ),
            score_lengths(
                results,
                lambda part: _squared_error(
                    [r.example.score for r in part], [r.value for r in part]
                ),
            ),
            tuple(remarks),
        )

    @property
    def examples(self) -> int:
        """How many rows there were."""
        return len(self.truth)

    @property
    def files(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON."""
        return {
            "examples": self.examples,
            **self.metrics,
            "mean_mse": self.mean_mse,
            "remarks": list(self.remarks),
        }

    def findings(self, what: str = "rows") -> Findings:
        """Scores, the predicted numbers over the true ones, and the largest errors."""
        r, rho, mse = (self.metrics[name] for name in ("pearson", "spearman", "mse"))
        remarks = "".join(f" {remark}." for remark in self.remarks)
        columns = ["Pearson", "Spearman", "mean squared error", "rows"]
        row: list[Cell] = [f"{r:.4f}", f"{rho:.4f}", f"{mse:.4g}", self.examples]
        return Findings(
            lead=f"Over {self.examples:,} rows, the model's numbers correlate with the true ones "
            f"at {r:.3f} (Pearson); their mean squared error is {mse:.4g}, where always saying "
            f"the mean would give {self.mean_mse:.4g}.{remarks}",
            facts=[
                Fact("Pearson", f"{r:.4f}", f"{self.examples:,} rows"),
                Fact("Spearman", f"{rho:.4f}", "of the ranks"),
                Fact("Mean squared error", mse, f"{self.mean_mse:.4g} for the mean"),
            ],
            sections=self._sections(),
            summary={
                "Pearson": f"{r:.4f} on {self.examples:,} {what}",
                "Spearman": f"{rho:.4f}",
                "squared error": f"{mse:.4g} in the mean",
                "always the mean": f"{self.mean_mse:.4g}",
            },
            tables=[],
            card=f"Always saying the mean gives a mean squared error of {self.mean_mse:.4g}. The "
            "checkpoint was chosen on these rows, so expect somewhat less on new ones.\n\n"
            + markdown_table(columns, [row]),
            levels={"mse": Level("always the mean", self.mean_mse)},
        )

    def _sections(self) -> list[Section]:
        drawn = scatter("Predicted and true", self.truth, self.predicted, "true", "predicted")
        rows: list[list[Cell]] = [
            [e.line, shortened(e.text, 160), e.score, e.predicted, e.predicted - e.score]
            for e in self.errors
        ]
        columns = ["Line", "Text", "True", "Predicted", "Error"]
        words = "On the dashed line the model is right."
        return [
            Section("Numbers", [Figure(drawn, words)]),
            length_section(self.lengths, "Mean squared error", "{:.4g}".format),
            Section("Errors", [Table(columns, rows, "The largest first.")]),
        ]


def _squared_error(truth: Sequence[float], predicted: Sequence[float]) -> float:
    return fmean((a - b) ** 2 for a, b in zip(truth, predicted, strict=True))
