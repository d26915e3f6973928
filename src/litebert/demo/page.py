"""The demo's report: the finding first, then how it came about, and how to go on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from litebert.demo.findings import (
    BAG_OF_WORDS,
    MAJORITY,
    PRETRAINED,
    SCRATCH,
    Findings,
    accuracy_words,
    percent,
    points,
    verdict,
)
from litebert.foundation.progress import duration
from litebert.report.page import (
    Block,
    Code,
    Fact,
    Facts,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    write_report,
)
from litebert.report.plots import Level, Panel, bars, confusion, curves, series_of
from litebert.tasks.texts.classification_evaluation import ClassificationEvaluation
from litebert.training.journal import METRICS, read_metrics

REPORT = "report.html"
_SHOWN_LIBRARIES = 12

Lines = Sequence[dict[str, Any]]


def write_demo_report(
    folder: Path, findings: Findings, best: ClassificationEvaluation, runs: dict[str, Path]
) -> None:
    """Write `report.html` into the demo's folder.

    `best` is the test evaluation of the model that was kept; `runs` names the fine-tuning run
    folders of its seed, with and without pretraining.
    """
    sections = [
        Section("What pretraining gained", _finding(findings)),
        Section("The task", _task(findings)),
        Section("Pretraining", _pretraining(folder, findings)),
        Section("Fine-tuning", _finetuning(findings, runs)),
        Section("Library by library", _libraries(best)),
        Section("New lines", _new_lines(findings)),
        Section("How to go on", _next_steps(folder)),
    ]
    write_report(
        folder / REPORT,
        "A small ALBERT, from raw text to predictions",
        "Vocabulary, pretraining, fine-tuning and evaluation on the documentation that is on this "
        f"machine, in {duration(findings.seconds)}",
        sections,
        "Made by litebert demo. Everything on this page was computed on this machine.",
    )


def _finding(findings: Findings) -> list[Block]:
    pretrained, scratch = findings.method(PRETRAINED), findings.method(SCRATCH)
    values = [(method.name, method.accuracy) for method in findings.methods]
    gain = f"{_signed(findings.gain)} points"
    seeds = len(findings.gains)
    by_seed = ", ".join(map(_signed, findings.gains))
    chance = points(findings.chance_difference)
    return [
        Paragraph(verdict(findings), lead=True),
        Facts(
            [
                Fact("Gain by pretraining", gain, f"seed by seed: {by_seed}"),
                Fact("Pretrained", accuracy_words(pretrained), "accuracy on the test set"),
                Fact("No pretraining", accuracy_words(scratch), "same model, random start"),
                Fact("Bag of words", accuracy_words(findings.method(BAG_OF_WORDS)), "tf-idf"),
            ]
        ),
        Figure(
            bars(
                "Accuracy on paragraphs of modules that no training saw",
                values,
                percent=True,
                spread=[method.spread for method in findings.methods],
                strong=[len(values) - 1],
            ),
            "Whiskers: one standard deviation over the seeds." if seeds > 1 else "",
        ),
        Table(
            ["Method", "Accuracy", "Macro-F1"],
            [[m.name, accuracy_words(m), percent(m.macro_f1)] for m in findings.methods],
            strong=[len(values) - 1],
        ),
        Paragraph(
            f"The test set has {findings.task.test:,} paragraphs: between two methods, a "
            f"difference below {chance} may be the luck of the draw. All models start from one "
            "pretraining run; the seeds vary the rest of the fine-tuning."
        ),
    ]


def _task(findings: Findings) -> list[Block]:
    text, task = findings.text, findings.task
    rows: list[list[str | int | float]] = [
        [name, modules, f"{characters / 1e6:.2f} MB"]
        for name, modules, characters in text.libraries[:_SHOWN_LIBRARIES]
    ]
    others = text.libraries[_SHOWN_LIBRARIES:]
    if others:
        modules = sum(count for _, count, _ in others)
        size = sum(characters for _, _, characters in others)
        rows.append([f"{len(others)} others", modules, f"{size / 1e6:.2f} MB"])
    return [
        Paragraph(
            "Which library does this paragraph document? The libraries' own names and usual "
            f"aliases are masked. There are {len(task.labels)} libraries, {task.train:,} labelled "
            f"paragraphs to train on, {task.validation:,} to choose the best checkpoint by, and "
            f"{task.test:,} to test on. Test paragraphs come from modules that neither pretraining "
            "nor fine-tuning has seen."
        ),
        Facts(
            [
                Fact("Modules", text.modules, "a document each"),
                Fact("Sentences", text.sentences),
                Fact("Tokens", text.tokens, f"{text.characters / text.tokens:.1f} characters each"),
                Fact("Vocabulary", findings.pretraining.vocab_size, "pieces, trained on this text"),
            ]
        ),
        Table(["Library", "Modules", "Text"], rows, "The text to pretrain on, without labels."),
    ]


def _pretraining(folder: Path, findings: Findings) -> list[Block]:
    counts = findings.pretraining
    train = read_metrics(folder / "pretraining" / METRICS, "train")
    held_out = read_metrics(folder / "pretraining" / METRICS, "evaluation")
    loss = Panel(
        "Masked-LM loss",
        [
            series_of("training", train, "masked_lm_loss", 0.8),
            series_of("held out", held_out, "masked_lm_loss"),
        ],
        "step",
        "nats a masked token",
        levels=[Level("frequencies alone", counts.unigram_loss)],
    )
    accuracy = Panel(
        "Accuracy on held-out documents",
        [
            series_of("masked words", held_out, "masked_lm_accuracy"),
            series_of("sentence order", held_out, "sentence_order_accuracy"),
        ],
        "step",
        "accuracy",
        percent=True,
        levels=[Level("sentence order by chance", 0.5)],
    )
    return [
        Paragraph(
            "The model learns to fill in masked words and to say whether two passages stand in "
            "their order; no label is used."
        ),
        Facts(
            [
                Fact("Parameters", counts.parameters, "every depth shares one layer"),
                Fact("Steps", counts.steps, f"in {duration(counts.seconds)}"),
                Fact("Tokens", counts.tokens, f"{counts.tokens / counts.seconds:,.0f} a second"),
                Fact(
                    "Held-out loss",
                    f"{counts.masked_lm_loss:.2f}",
                    f"{counts.unigram_loss:.2f} by frequencies alone",
                ),
            ]
        ),
        Figures([Figure(curves(loss)), Figure(curves(accuracy))]),
    ]


def _finetuning(findings: Findings, runs: dict[str, Path]) -> list[Block]:
    lines = {name: read_metrics(run / METRICS, "evaluation") for name, run in runs.items()}
    majority = findings.method(MAJORITY).accuracy
    panels = [
        Panel(
            title,
            [series_of(name, points, key) for name, points in lines.items()],
            "step",
            key,
            percent=key == "accuracy",
            levels=[Level(MAJORITY, majority)] if key == "accuracy" else [],
        )
        for title, key in (("Validation accuracy", "accuracy"), ("Validation loss", "loss"))
    ]
    return [
        Paragraph(
            "The same labelled paragraphs, settings and seed; only the start differs. The "
            "checkpoint that did best on the validation paragraphs is kept."
        ),
        Figures([Figure(curves(panel)) for panel in panels]),
    ]


def _libraries(best: ClassificationEvaluation) -> list[Block]:
    scores = best.scores
    labels = [row.label for row in scores.classes]
    rows: list[list[str | int | float]] = [
        [row.label, row.support, percent(row.precision), percent(row.recall), percent(row.f1)]
        for row in scores.classes
    ]
    return [
        Table(["Library", "Test paragraphs", "Precision", "Recall", "F1"], rows),
        Figure(
            confusion(np.array(scores.confusion), labels),
            "Test paragraphs of the pretrained model that was kept: a row for each true library.",
        ),
    ]


def _new_lines(findings: Findings) -> list[Block]:
    rows: list[list[str | int | float]] = [
        [line.text, line.prediction.label, percent(line.prediction.probability)]
        for line in findings.new_lines
    ]
    return [Table(["Text", "Predicted", "Probability"], rows, "Written for this demo.")]


def _next_steps(folder: Path) -> list[Block]:
    name = folder.name
    return [
        Paragraph("The same steps, one by one, on your own text and table:"),
        Code(
            "litebert vocab train TEXT --output vocabulary\n"
            "litebert corpus build TEXT --vocabulary vocabulary --output corpus\n"
            "litebert pretrain corpus --output run --minutes 60\n"
            "litebert finetune run TABLE.csv --text COLUMN --label COLUMN --output tuned\n"
            "litebert predict tuned NEW.csv --output predictions.csv"
        ),
        Paragraph("And the demo's own model on other lines:"),
        Code(f"litebert predict {name} {name}/predictions.jsonl"),
    ]


def _signed(share: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")
