"""What the demo found, as plain data, and the sentences that say it: whoever wins."""

from dataclasses import asdict, dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

from litebert.tasks.task import Prediction

MAJORITY, BAG_OF_WORDS = "majority class", "bag of words"
SCRATCH, PRETRAINED = "no pretraining", "pretrained"


@dataclass(frozen=True)
class Method:
    """A way to solve the task, and its scores on the test set, one for each seed."""

    name: str
    accuracies: tuple[float, ...]
    macro_f1s: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """The mean accuracy over the seeds."""
        return mean(self.accuracies)

    @property
    def macro_f1(self) -> float:
        """The mean macro-F1 over the seeds."""
        return mean(self.macro_f1s)

    @property
    def spread(self) -> float:
        """The standard deviation of the accuracy over the seeds; 0 for a single one."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0


@dataclass(frozen=True)
class TextCounts:
    """How much text there was, and of which libraries (name, modules, characters)."""

    modules: int
    sentences: int
    tokens: int
    characters: int
    libraries: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class PretrainingCounts:
    """What pretraining came to; losses in nats a masked token, on held-out documents."""

    parameters: int
    vocab_size: int
    steps: int
    tokens: int
    seconds: float
    unigram_loss: float
    masked_lm_loss: float
    masked_lm_accuracy: float
    sentence_order_accuracy: float


@dataclass(frozen=True)
class TaskCounts:
    """The size of the labelled task."""

    labels: tuple[str, ...]
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class NewLine:
    """A text from nowhere in the data, and what the model says of it."""

    text: str
    prediction: Prediction


@dataclass(frozen=True)
class Findings:
    """Everything the demo has to show."""

    text: TextCounts
    pretraining: PretrainingCounts
    task: TaskCounts
    methods: tuple[Method, ...]  # majority class, bag of words, no pretraining, pretrained
    new_lines: tuple[NewLine, ...]
    seconds: float

    def method(self, name: str) -> Method:
        """The method of this name."""
        return next(method for method in self.methods if method.name == name)

    @property
    def gains(self) -> tuple[float, ...]:
        """What pretraining gained in accuracy, seed by seed."""
        pairs = zip(
            self.method(PRETRAINED).accuracies, self.method(SCRATCH).accuracies, strict=True
        )
        return tuple(a - b for a, b in pairs)

    @property
    def gain(self) -> float:
        """The mean of the gains."""
        return mean(self.gains)

    @property
    def chance_difference(self) -> float:
        """A difference of two accuracies that the size of the test set alone may bring about.

        Two standard errors of a difference, at the accuracy of the pretrained model.
        """
        share = self.method(PRETRAINED).accuracy
        return 2 * sqrt(2 * share * (1 - share) / self.task.test)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **asdict(self),
            "gain": self.gain,
            "gains": list(self.gains),
            "chance_difference": self.chance_difference,
            "verdict": verdict(self),
        }


def verdict(findings: Findings) -> str:
    """What pretraining gained or cost, and who is ahead, in two sentences."""
    scratch, pretrained = findings.method(SCRATCH), findings.method(PRETRAINED)
    gain, gains = findings.gain, findings.gains
    figures = f"{percent(pretrained.accuracy)} with it, {percent(scratch.accuracy)} without"
    if min(gains) > 0:
        first = f"Pretraining gained {points(gain)}: {figures}"
    elif max(gains) < 0:
        first = f"Pretraining cost {points(-gain)}: {figures}"
    else:
        first = f"Pretraining made no clear difference: {figures}"
    return f"{first}{_over_seeds(len(gains))}. {_against_words(findings)}"


def percent(share: float) -> str:
    """A share as '12.3 %'."""
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """A difference of shares as '12.3 points'."""
    return f"{100 * share:.1f} points"


def accuracy_words(method: Method) -> str:
    """A method's accuracy, with its spread where there are several seeds."""
    shown = f"{100 * method.accuracy:.1f}"
    return f"{shown} ± {100 * method.spread:.1f} %" if len(method.accuracies) > 1 else f"{shown} %"


def summary_rows(findings: Findings) -> list[tuple[str, str]]:
    """The end summary: names and values, in the order of the journey."""
    text, pretraining, task = findings.text, findings.pretraining, findings.task
    rows = [
        ("text", f"{text.modules:,} modules, {text.sentences:,} sentences, {text.tokens:,} tokens"),
        (
            "model",
            f"{pretraining.parameters:,} parameters, vocabulary of {pretraining.vocab_size:,}",
        ),
        (
            "pretraining",
            f"{pretraining.steps:,} steps, {pretraining.tokens:,} tokens; held-out masked LM "
            f"{percent(pretraining.masked_lm_accuracy)}, loss {pretraining.masked_lm_loss:.2f} "
            f"(frequencies alone: {pretraining.unigram_loss:.2f}); sentence order "
            f"{percent(pretraining.sentence_order_accuracy)}",
        ),
        (
            "task",
            f"{len(task.labels)} libraries, {task.train:,} labelled paragraphs, "
            f"{task.test:,} test paragraphs of other modules",
        ),
    ]
    return rows + [(method.name, accuracy_words(method)) for method in findings.methods]


def _over_seeds(count: int) -> str:
    return f" (means of {count} seeds)" if count > 1 else " (one seed)"


def _against_words(findings: Findings) -> str:
    pretrained, words = findings.method(PRETRAINED), findings.method(BAG_OF_WORDS)
    ahead = pretrained.accuracy - words.accuracy
    reached = f"a bag of words reaches {percent(words.accuracy)}"
    if abs(ahead) <= findings.chance_difference:
        return f"The simple baseline is level with it: {reached}."
    if ahead > 0:
        return f"The simple baseline is {points(ahead)} behind: {reached}."
    return f"The simple baseline is {points(-ahead)} ahead: {reached}."
