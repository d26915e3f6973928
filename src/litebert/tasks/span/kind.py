"""Answers as stretches of a context: the kinds of SQuAD 1.1 and 2.0, and of one's own questions.

Sources: the original's run_squad_v1.py and run_squad_v2.py. An example is a `SquadQuestion`, with
a sequence for each of its windows; a window is an item to train on, those that miss the answer
included; a value is the `Answers` of a question.

Shapes: B windows, T tokens of one, S starts that are followed, E ends of each.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from litebert.encoder.layout import Packed
from litebert.encoder.models import AnswerableSpanModel, Head, SpanModel
from litebert.foundation.errors import DataError
from litebert.inference.engine import Forward, TokenSequence
from litebert.objectives import span_sum, unanswerable_sum
from litebert.tasks.faults import Loaded
from litebert.tasks.features import Tally
from litebert.tasks.kind import CardWords, Encoded, Item, ItemBatch, Output, Result
from litebert.tasks.metrics import squad_v1, squad_v2
from litebert.tasks.span.answers import null_odds_of, predictions_of
from litebert.tasks.span.decode import (
    Answers,
    BeamScores,
    SpanScores,
    decode_answerable,
    decode_spans,
)
from litebert.tasks.span.evaluation import SpanEvaluation, dataset_of, official_answers
from litebert.tasks.span.questions import SquadQuestion, as_dataset
from litebert.tasks.span.table import question_of_row, read_questions
from litebert.tasks.span.task import (
    AnswerableSpanTask,
    QuestionTask,
    SpanPrediction,
    SpanTask,
    span_prediction,
)
from litebert.tasks.span.threshold import fitted_threshold
from litebert.tasks.span.windows import QuestionTokens, Target, window_targets
from litebert.tasks.tabular import Row, Table, columns_in
from litebert.text.tokenizer import Tokenizer
from litebert.training.step import LossTerm

START_N_TOP = END_N_TOP = 5  # the beam of SQuAD 2.0
_NOWHERE = -1e30  # a logit where there is no token


class _Questions(ABC):
    """What the kinds of questions over contexts share."""

    name: str
    impossible: bool
    """Whether a question may have no answer."""
    agree = ("tokenizer", "max_length", "doc_stride", "max_query_length")

    def classes(self, task: Any) -> int:
        """The head's outputs do not depend on the task."""
        return 1

    def chance_loss(self, task: Any, items: Sequence[Item]) -> float:
        """That of knowing how often a window has no answer, and nothing of where it is."""
        none = sum(item.target.is_impossible for item in items) / len(items)
        places = [
            math.log(max(1, int(item.sequences[0].segment_ids.sum()) - 1))
            for item in items
            if not item.target.is_impossible
        ]
        undecided = -sum(p * math.log(p) for p in (none, 1 - none) if p)
        spread: float = undecided + (1 - none) * fmean(places or [0.0])
        return spread

    # Examples

    def query(self, row: Any, task: QuestionTask) -> SquadQuestion:
        """A mapping with a question and a context, or a pair of them."""
        names = task.question_column, task.context_column
        form = f'a row of this model is a question and a context ("{names[0]}", "{names[1]}")'
        if isinstance(row, Mapping):
            missing = [name for name in names if name not in row]
            if missing:
                there = ", ".join(map(str, row))
                raise DataError(f'{form}: there is no "{missing[0]}", only {there}')
            parts: Sequence[Any] = [row[name] for name in names]
        else:
            parts = [] if isinstance(row, str) else list(row)
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise DataError(f"{form}, not {repr(row)[:60]}")
        return SquadQuestion("", *parts)

    def columns(self, task: QuestionTask) -> Mapping[str, str]:
        """The question's and the context's."""
        return {"question": task.question_column, "context": task.context_column}

    columns_in = staticmethod(columns_in)

    def from_table(self, table: Table, row: Row, columns: Mapping[str, str]) -> SquadQuestion:
        """The question of a row."""
        return question_of_row(table, row, columns)

    def read(
        self, path: Path, task: QuestionTask, columns: Mapping[str, str], skip_bad: bool
    ) -> Loaded[SquadQuestion]:
        """The questions of a table that has a column of answers."""
        return read_questions(path, columns, self.impossible, skip_bad)

    def encode(
        self,
        examples: Iterable[SquadQuestion],
        task: QuestionTask,
        tokenizer: Tokenizer,
        tally: Tally,
    ) -> Iterator[Encoded]:
        """A sequence for each window of each question, in order."""
        for example in examples:
            tokens = QuestionTokens.of(
                example.question,
                example.context,
                tokenizer,
                task.max_length,
                task.doc_stride,
                task.max_query_length,
            )
            tally.rows += 1
            tally.empty += not example.context.strip()
            windows = tokens.windows()
            yield Encoded(
                tuple(TokenSequence.of(one.input_ids, one.segment_ids) for one in windows), tokens
            )

    def items(self, example: SquadQuestion, encoded: Encoded, task: QuestionTask) -> list[Item]:
        """Every window with its target, whether it holds the answer or not."""
        targets = window_targets(encoded.extra.windows(), example.answer_span)
        return [
            Item((sequence,), target)
            for sequence, target in zip(encoded.sequences, targets, strict=True)
        ]

    # Outcomes

    def evaluate(
        self, results: Sequence[Result], task: QuestionTask, remarks: Sequence[str]
    ) -> SpanEvaluation:
        """Official scores, by kind of question and length of context, and the worst answers."""
        return SpanEvaluation.of(results, task, remarks)

    def prediction(self, result: Result, task: QuestionTask) -> SpanPrediction:
        """The best answer, or none."""
        odds, threshold = result.value.null_odds, getattr(task, "threshold", None)
        answered = odds is None or threshold is None or odds <= threshold
        return span_prediction(result.value, result.example.context, answered)

    def cell_names(self, task: QuestionTask) -> list[str]:
        """The columns of a prediction."""
        return ["answer", "start", "end", "probability", *(["null_odds"] * self.impossible)]

    def cells(self, prediction: SpanPrediction, task: QuestionTask) -> list[Any]:
        """The prediction in these columns."""
        return list(prediction.as_dict().values())

    def values(self, prediction: SpanPrediction, task: QuestionTask) -> dict[str, Any]:
        """The prediction as JSON has it."""
        return prediction.as_dict()

    @abstractmethod
    def card(self, task: Any) -> CardWords:
        """What the model card says."""


class Span(_Questions):
    """Every question has an answer (SQuAD 1.1)."""

    name = "span"
    head: Head = "span"
    task = SpanTask
    impossible = False
    terms = ("span",)
    metrics: Mapping[str, bool] = {"f1": True, "exact_match": True}

    def forward(self, model: SpanModel) -> Forward:
        """For each window its tokens' logits as start and as end (T, 2)."""

        def rows(input_ids: Tensor, segment_ids: Tensor, layout: Packed) -> Sequence[Tensor]:
            return torch.split(model(input_ids, segment_ids, layout), list(layout.lengths))

        return rows

    def losses(self, model: SpanModel, batch: ItemBatch) -> dict[str, LossTerm]:
        """Half the cross-entropy of the start and half that of the end, over a window's tokens.

        The original's softmax goes over the padding, too, which there is none of here.
        """
        logits = model(batch.input_ids, batch.segment_ids, batch.layout)  # (N, 2)
        log_probs = batch.layout.rectangle(logits, _NOWHERE).log_softmax(dim=1)  # (B, T, 2)
        starts, ends = _positions(batch)
        return {"span": LossTerm(*span_sum(log_probs[..., 0], log_probs[..., 1], starts, ends))}

    def decode(
        self,
        example: SquadQuestion,
        encoded: Encoded,
        outputs: Sequence[Sequence[Output]],
        task: SpanTask,
    ) -> Answers:
        """The n-best answers; several models are averaged span by span."""
        models = [[SpanScores(rows[:, 0], rows[:, 1]) for rows in one] for one in outputs]
        windows = encoded.extra.windows()
        return decode_spans(example.context, windows, models, task.n_best, task.max_answer_length)

    def scores(self, results: Sequence[Result], task: SpanTask) -> dict[str, float]:
        """The official exact match and F1, as shares of one."""
        found = squad_v1(dataset_of(results), official_answers(results, task))
        return {name: found[name] / 100 for name in ("exact_match", "f1")}

    def finished(self, model: SpanModel, task: SpanTask, results: Sequence[Result]) -> SpanTask:
        """Nothing is left to be fitted."""
        return task

    def card(self, task: SpanTask) -> CardWords:
        """How to ask, and what loads the folder."""
        return CardWords(
            "question-answering",
            "Finds the answer to a question in a context of any length.",
            _ROW,
            "AutoModelForQuestionAnswering",
            _lengths(task),
        )


class AnswerableSpan(_Questions):
    """A question may have no answer in its context (SQuAD 2.0)."""

    name = "answerable_span"
    head: Head = "answerable_span"
    task = AnswerableSpanTask
    impossible = True
    terms = ("span", "answerable")
    metrics: Mapping[str, bool] = {"best_f1": True, "best_exact": True}

    def forward(self, model: AnswerableSpanModel) -> Forward:
        """For each window its beam in one row: starts, their places, ends, theirs, the logit."""

        def rows(input_ids: Tensor, segment_ids: Tensor, layout: Packed) -> Tensor:
            beam = model.beam(input_ids, segment_ids, layout, START_N_TOP, END_N_TOP)
            return torch.cat([part.float().reshape(len(layout.lengths), -1) for part in beam], 1)

        return rows

    def losses(self, model: AnswerableSpanModel, batch: ItemBatch) -> dict[str, LossTerm]:
        """Half the cross-entropies of start and of end given the true start, and half that of
        whether there is an answer. Windows without one have both at [CLS]."""
        starts, ends = _positions(batch)
        scores = model(batch.input_ids, batch.segment_ids, batch.layout, starts)
        nothing = batch.tensor([target.is_impossible for target in batch.targets])
        spans = span_sum(scores.start_log_probs, scores.end_log_probs, starts, ends)
        return {
            "span": LossTerm(*spans),
            "answerable": LossTerm(*unanswerable_sum(scores.unanswerable, nothing)),
        }

    def decode(
        self,
        example: SquadQuestion,
        encoded: Encoded,
        outputs: Sequence[Sequence[Output]],
        task: AnswerableSpanTask,
    ) -> Answers:
        """The n-best answers and the null odds; several models are averaged."""
        models = [[_beam(row) for row in one] for one in outputs]
        windows = encoded.extra.windows()
        return decode_answerable(
            example.context, windows, models, task.n_best, task.max_answer_length
        )

    def scores(self, results: Sequence[Result], task: AnswerableSpanTask) -> dict[str, float]:
        """The official best scores, each at the threshold that is best for it, as shares of one."""
        answers = {result.example.id: result.value for result in results}
        found = squad_v2(dataset_of(results), predictions_of(answers), null_odds_of(answers))
        return {name: found[name] / 100 for name in ("best_exact", "best_f1")}

    def finished(
        self, model: AnswerableSpanModel, task: AnswerableSpanTask, results: Sequence[Result]
    ) -> AnswerableSpanTask:
        """The task with its threshold, fitted on validation results as its rule says."""
        answers = {result.example.id: result.value for result in results}
        dataset = as_dataset(result.example for result in results)
        threshold, articles = fitted_threshold(
            dataset, predictions_of(answers), null_odds_of(answers), task.threshold_rule
        )
        return task.changed(threshold=threshold, threshold_articles=articles)

    def card(self, task: AnswerableSpanTask) -> CardWords:
        """How to ask; transformers has no such head."""
        return CardWords(
            "question-answering",
            "Finds the answer to a question in a context of any length, or that it has none: "
            f"where its null odds are above {task.threshold or 0:.4g}.",
            _ROW,
            "",
            _lengths(task),
        )


SPAN, ANSWERABLE_SPAN = Span(), AnswerableSpan()
_ROW = '{"question": "Who wrote it?", "context": "A long text."}'


def _lengths(task: QuestionTask) -> str:
    return (
        f"Contexts are read in windows of {task.max_length} tokens, {task.doc_stride} apart; an "
        f"answer has at most {task.max_answer_length}."
    )


def _positions(batch: ItemBatch) -> tuple[Tensor, Tensor]:
    """The true starts and ends (B,)."""
    targets: Sequence[Target] = batch.targets
    return (
        batch.tensor([target.start_position for target in targets]),
        batch.tensor([target.end_position for target in targets]),
    )


def _beam(row: Output) -> BeamScores:
    """The beam of a window from its row."""
    S, E = START_N_TOP, END_N_TOP
    starts, start_index, ends, end_index, logit = np.split(row, np.cumsum([S, S, S * E, S * E]))
    return BeamScores(
        starts, start_index.astype(np.int64), ends, end_index.astype(np.int64), float(logit[0])
    )
