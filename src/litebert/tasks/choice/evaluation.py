"""Multiple choice measured on answered questions: by level and length, and the surest mistakes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, NamedTuple, Self

import numpy as np

from litebert.report.page import Block, Fact, Paragraph, Section, Table
from litebert.report.plots import Level
from litebert.tasks.choice.overlap import overlapping_option
from litebert.tasks.choice.questions import LETTERS, ChoiceExample
from litebert.tasks.kind import Findings, Result
from litebert.tasks.lengths import LengthScore, length_table, score_lengths
from litebert.tasks.metrics import IntArray, accuracy, choice_scores
from litebert.tasks.words import markdown_table, percent, shortened

SHOWN_MISTAKES = 12
_ARTICLE, _QUESTION, _OPTION = 600, 300, 200  # characters that the page shows

Rows = list[list[str | int | float]]


class Mistake(NamedTuple):
    """A question that the model got wrong, and the probability that it gave each option."""

    example: ChoiceExample
    probabilities: tuple[float, ...]


def question_metrics(results: Sequence[Result]) -> dict[str, float]:
    """Loss and accuracy, and the accuracy of each level where there are several."""
    examples = [result.example for result in results]
    truth = [example.label for example in examples]
    scores = choice_scores(
        truth, _predicted(results).tolist(), [example.level for example in examples]
    )
    if len(scores) == 2:  # one level, whose accuracy is that of all
        scores = {"accuracy": scores["accuracy"]}
    losses = [result.value[label] for result, label in zip(results, truth, strict=True)]
    return {"loss": -float(np.mean(losses)), **scores}


@dataclass(frozen=True)
class ChoiceEvaluation:
    """Scores on answered questions, beside what guesses without a model would score."""

    metrics: dict[str, float]
    counts: dict[str, int]
    """Questions of each level, where there are several."""
    guesses: dict[str, float]
    """Accuracy by chance, of always the commonest letter, and of the word overlap."""
    by_length: dict[str, tuple[LengthScore, ...]]
    """Accuracy by the length of the article and of the question."""
    letters: Rows
    """Letter, how often it is right, how often it was chosen, and was so rightly."""
    mistakes: tuple[Mistake, ...]
    """The surest ones first, at most `SHOWN_MISTAKES`."""
    examples: int
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, results: Sequence[Result], remarks: Sequence[str]) -> Self:
        """From results whose values are log-probabilities and whose examples have their answers."""
        examples: list[ChoiceExample] = [result.example for result in results]
        truth = np.array([example.label for example in examples])
        predicted = _predicted(results)
        metrics = question_metrics(results)
        levels = Counter(example.level for example in examples)
        sureness = np.array([result.value.max() for result in results])
        missed = np.flatnonzero(predicted != truth)
        surest = missed[np.argsort(-sureness[missed], kind="stable")][:SHOWN_MISTAKES]
        return cls(
            metrics,
            {level: n for level, n in levels.items() if level in metrics},
            _guesses(examples, truth),
            _by_length(results),
            _letters(examples, truth, predicted),
            tuple(Mistake(examples[i], tuple(np.exp(results[i].value).tolist())) for i in surest),
            len(results),
            tuple(remarks),
        )

    @property
    def files(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON; without the texts of the mistakes."""
        letter = ("letter", "right", "chosen", "rightly")
        return {
            **self.metrics,
            "questions": {"all": self.examples, **self.counts},
            **{f"{name.replace(' ', '_')}_accuracy": share for name, share in self.guesses.items()},
            "by_length": {
                name: [asdict(score) for score in scores] for name, scores in self.by_length.items()
            },
            "letters": [dict(zip(letter, row, strict=True)) for row in self.letters],
            "remarks": list(self.remarks),
        }

    def findings(self, what: str = "questions") -> Findings:
        """Accuracies, what guesses give, and the mistakes with the options' probabilities."""
        score, guesses = self.metrics["accuracy"], self.guesses
        remarks = "".join(f" {remark}." for remark in self.remarks)
        overlap, chance = guesses["word overlap"], guesses["chance"]
        each = [(level, self.metrics[level], n) for level, n in self.counts.items()]
        return Findings(
            lead=f"The model answers {percent(score)} of {self.examples:,} questions right; the "
            f"option whose words overlap most with the article would be in {percent(overlap)}, "
            f"one at random in {percent(chance)}.{remarks}",
            facts=[
                Fact("Accuracy", percent(score), f"{self.examples:,} questions"),
                *(Fact(level, percent(share), f"{n:,} questions") for level, share, n in each),
                Fact("Loss", self.metrics["loss"], "nats a question"),
            ],
            sections=self._sections(),
            summary={
                "accuracy": f"{score:.4f} on {self.examples:,} {what}",
                **{level: f"{share:.4f} on {n:,}" for level, share, n in each},
                "loss": f"{self.metrics['loss']:.4f} nats a question",
                **{name: f"{share:.4f} accuracy" for name, share in guesses.items()},
            },
            tables=[],
            card=self._card(),
            levels={"accuracy": Level("word overlap", overlap)},
        )

    def _sections(self) -> list[Section]:
        lengths = [
            length_table(scores, "Accuracy", percent, name)
            for name, scores in self.by_length.items()
        ]
        letters = Table(
            ["Option", "Right", "Chosen", "Chosen rightly"],
            self.letters,
            "How often each option is the right one, and how often the model chose it.",
        )
        sections = [Section("Results by length", lengths), Section("By letter", [letters])]
        if self.mistakes:
            words = "The questions the model was surest about and wrong, with the probability of "
            lead = Paragraph(words + "each option.")
            blocks = [block for mistake in self.mistakes for block in _shown(mistake)]
            sections.append(Section("Mistakes", [lead, *blocks]))
        return sections

    def _card(self) -> str:
        rows: Rows = [["all", f"{self.metrics['accuracy']:.4f}", self.examples]]
        rows += [[level, f"{self.metrics[level]:.4f}", n] for level, n in self.counts.items()]
        rows += [
            [f"({name})", f"{share:.4f}", self.examples] for name, share in self.guesses.items()
        ]
        table = markdown_table(["questions", "accuracy", "number"], rows)
        return (
            f"Accuracy {self.metrics['accuracy']:.4f}. The checkpoint was chosen on these "
            "questions, so expect somewhat less on new ones. In brackets what guesses without a "
            "model give: chance, always the commonest letter, and the option whose words overlap "
            f"most with the article.\n\n{table}"
        )


def _predicted(results: Sequence[Result]) -> IntArray:
    """The index of the likeliest option of each question (N,), the first one on a tie."""
    return np.array([result.value.argmax() for result in results])


def _guesses(examples: Sequence[ChoiceExample], truth: IntArray) -> dict[str, float]:
    overlap = [overlapping_option(e.article, e.question, e.options) for e in examples]
    return {
        "chance": float(np.mean([1 / len(e.options) for e in examples])),
        "commonest letter": Counter(truth.tolist()).most_common(1)[0][1] / len(examples),
        "word overlap": accuracy(truth, overlap),
    }


def _by_length(results: Sequence[Result]) -> dict[str, tuple[LengthScore, ...]]:
    def share(part: list[Result]) -> float:
        return fmean(result.value.argmax() == result.example.label for result in part)

    return {
        "Words of the article": score_lengths(results, share, lambda r: _words(r.example.article)),
        "Words of the question": score_lengths(
            results, share, lambda r: _words(r.example.question), shortest=4
        ),
    }


def _letters(examples: Sequence[ChoiceExample], truth: IntArray, predicted: IntArray) -> Rows:
    rows: Rows = []
    for index in range(max(len(example.options) for example in examples)):
        true, chosen = truth == index, predicted == index
        counts = (int(some.sum()) for some in (true, chosen, true & chosen))
        rows.append([LETTERS[index], *counts])
    return rows


def _words(text: str) -> int:
    return len(text.split())


def _shown(mistake: Mistake) -> list[Block]:
    """A mistake on the page: the beginning of its article, the question, the options."""
    example = mistake.example
    chosen = mistake.probabilities.index(max(mistake.probabilities))
    marks = {example.label: "right", chosen: "chosen"}
    rows: Rows = [
        [LETTERS[i], shortened(option, _OPTION), percent(share), marks.get(i, "")]
        for i, (option, share) in enumerate(
            zip(example.options, mistake.probabilities, strict=True)
        )
    ]
    question = f"{example.id}: {shortened(example.question, _QUESTION)}"
    right = [] if example.label is None else [example.label]
    return [
        Paragraph(shortened(example.article, _ARTICLE)),
        Table(["", "Option", "Probability", ""], rows, question, strong=right),
    ]
