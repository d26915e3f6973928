"""Answers to questions measured on those with known ones: official scores, groups, the worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

from litebert.report.page import Block, Cell, Fact, Paragraph, Section, Table
from litebert.report.plots import Level
from litebert.tasks.kind import Findings, Result
from litebert.tasks.lengths import LengthScore, length_section, score_lengths
from litebert.tasks.metrics import question_scores, squad_v1, squad_v2
from litebert.tasks.span.answers import answer_files, null_odds_of, predictions_of
from litebert.tasks.span.overlap import overlapping_stretch
from litebert.tasks.span.passages import (
    LEGEND,
    QUESTION_TYPES,
    Judged,
    passage_of,
    question_type,
)
from litebert.tasks.span.questions import as_dataset
from litebert.tasks.span.task import AnswerableSpanTask, QuestionTask, span_prediction
from litebert.tasks.span.threshold import apply_threshold, original_two_pass
from litebert.tasks.words import markdown_table, percent

SHOWN_MISTAKES, SHOWN_RIGHT = 12, 3

_COLUMNS = ("Question", "Questions", "Exact match", "F1")

Rows = list[list[Cell]]


def dataset_of(results: Sequence[Result]) -> list[Any]:
    """The questions of results in the official form."""
    return as_dataset(result.example for result in results)


def official_answers(results: Sequence[Result], task: QuestionTask) -> dict[str, str]:
    """The answer by question id, "" for none, as the official scripts take it.

    The original's rule fits its threshold on the very questions, where their answers are known.
    """
    answers = {result.example.id: result.value for result in results}
    best, odds = predictions_of(answers), null_odds_of(answers)
    if not isinstance(task, AnswerableSpanTask) or task.threshold is None:
        return best
    known = all(one.example.answers or one.example.impossible for one in results)
    if task.threshold_rule == "original" and known:
        return original_two_pass(dataset_of(results), best, odds)[0]
    return apply_threshold(best, odds, task.threshold)


@dataclass(frozen=True)
class SpanEvaluation:
    """Official scores on questions with known answers."""

    official: dict[str, float]
    """As the official scripts have them, in percent."""
    examples: int
    threshold: float | None
    rule: str
    """Where the threshold comes from, in a sentence; "" where there is none."""
    unanswerable: float | None
    """The share of questions without an answer, which answering nothing at all would score; None
    where every question has one."""
    silence: float
    """The same of all questions, those that the threshold was fitted on included."""
    overlap: float | None
    """F1 (0 to 1) of `overlapping_stretch`, a guess by words alone; None where some questions have
    no answer, and answering nothing is the guess to compare with."""
    types: Rows
    """Kind of question, how many there are, exact match and F1 (0 to 1)."""
    lengths: tuple[LengthScore, ...]
    """F1 (0 to 1) by the tokens of question and context."""
    mistakes: tuple[Judged, ...]
    """The surest ones first, at most `SHOWN_MISTAKES`."""
    right: tuple[Judged, ...]
    """Some that are right, the surest ones."""
    remarks: tuple[str, ...]
    files: Mapping[str, Any]
    """Predictions, n-best and null odds of all questions, as the official scripts read them."""

    @classmethod
    def of(cls, results: Sequence[Result], task: QuestionTask, remarks: Sequence[str]) -> Self:
        """Questions that a threshold was fitted on are left out, unless there are no others."""
        scored, rule = list(results), ""
        if isinstance(task, AnswerableSpanTask):
            scored, rule = _held_out(results, task)
        answered = official_answers(scored, task)
        dataset = dataset_of(scored)
        by_question = question_scores(dataset, answered)
        judged = [
            Judged(
                result.example,
                span_prediction(result.value, result.example.context, bool(answered[key])),
                by_question.exact[key],
                by_question.f1[key],
            )
            for result in scored
            for key in [result.example.id]
        ]
        f1 = {one.question.id: one.f1 for one in judged}
        worst = sorted(judged, key=lambda one: -one.instructive)
        best = sorted(judged, key=lambda one: -one.prediction.probability)
        impossible = [one.question.impossible for one in judged]
        return cls(
            _official(scored, answered, task),
            len(scored),
            getattr(task, "threshold", None),
            rule,
            fmean(impossible) if any(impossible) else None,
            fmean(result.example.impossible for result in results),
            None if any(impossible) else _overlap_f1(scored),
            _by_type(judged),
            score_lengths(scored, lambda part: fmean(f1[one.example.id] for one in part)),
            tuple([one for one in worst if one.f1 < 1][:SHOWN_MISTAKES]),
            tuple([one for one in best if one.exact and one.prediction.answer][:SHOWN_RIGHT]),
            tuple(remarks),
            answer_files(
                {result.example.id: result.value for result in results},
                official_answers(results, task),
            ),
        )

    @property
    def metrics(self) -> dict[str, float]:
        """Exact match and F1 as shares of one; of 2.0 also the best_… that a threshold fitted on
        these very questions gives."""
        names = ("exact_match", "f1", "exact", "best_f1", "best_exact")
        return {name: self.official[name] / 100 for name in names if name in self.official}

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON; without the texts of questions and answers."""
        values: dict[str, Any] = {
            **self.metrics,
            "official": self.official,
            "questions": self.examples,
        }
        if self.rule:
            values |= {"threshold": self.threshold, "threshold_from": self.rule}
        if self.unanswerable is not None:
            values["answering_nothing"] = self.unanswerable
        if self.overlap is not None:
            values["word_overlap"] = self.overlap
        return {
            **values,
            "by_question": [
                dict(zip(("question", "questions", "exact", "f1"), row, strict=True))
                for row in self.types
            ],
            "remarks": list(self.remarks),
        }

    def findings(self, what: str = "questions") -> Findings:
        """Scores, groups, and answers marked in their contexts."""
        exact, f1 = self._main()
        guess = self._guess()
        compared = f"{guess.name} would score {100 * guess.y:.2f} %"
        said = filter(None, [self.rule, *(f"{remark}." for remark in self.remarks)])
        number = f"{self.examples:,} {what}"
        facts = [Fact("F1", f"{f1:.2f} %", number), Fact("Exact match", f"{exact:.2f} %")]
        for name, words in (("HasAns", "with an answer"), ("NoAns", "without")):
            if f"{name}_f1" in self.official and self.rule:
                count = int(self.official[f"{name}_total"])
                note = f"{count:,} questions {words}"
                facts.append(Fact(f"F1, {words}", f"{self.official[f'{name}_f1']:.2f} %", note))
        if self.threshold is not None:
            facts.append(Fact("Threshold", self.threshold, "of the null odds"))
        summary = {"F1": f"{f1:.2f} % on {number}", "exact match": f"{exact:.2f} %"}
        if self.rule:
            summary["threshold"] = self.rule
        summary[guess.name] = f"{100 * guess.y:.2f} % F1"
        return Findings(
            lead=" ".join([f"F1 {f1:.2f} %, exact match {exact:.2f} %; {compared}.", *said]),
            facts=facts,
            sections=self._sections(),
            summary=summary,
            tables=[Table(_COLUMNS, _shown(self.types))],
            card=self._card(),
            levels={"f1": guess, "best_f1": Level("no answers", self.silence)},
        )

    def _guess(self) -> Level:
        """What is scored without a model: F1 (0 to 1), and how."""
        if self.overlap is None:
            return Level("answering nothing", self.unanswerable or 0.0)
        return Level("word overlap", self.overlap)

    def _main(self) -> tuple[float, float]:
        """Exact match and F1 in percent."""
        name = "exact" if "exact" in self.official else "exact_match"
        return self.official[name], self.official["f1"]

    def _sections(self) -> list[Section]:
        sections = [
            Section("By question", [Table(_COLUMNS, _shown(self.types))]),
            length_section(self.lengths, "F1", percent),
        ]
        if self.mistakes:
            words = f"The wrong answers that the model was surest of. {LEGEND}"
            blocks: list[Block] = [Paragraph(words), *map(passage_of, self.mistakes)]
            sections.append(Section("Mistakes", blocks))
        if self.right:
            words = "Some answers that are right."
            sections.append(
                Section("Right answers", [Paragraph(words), *map(passage_of, self.right)])
            )
        return sections

    def _card(self) -> str:
        exact, f1 = self._main()
        table = markdown_table(_COLUMNS, _shown(self.types))
        chosen = (
            "The checkpoint was chosen on the validation questions, so expect somewhat less on "
            "new ones."
        )
        words = [f"F1 {f1:.2f} %, exact match {exact:.2f} %.", self.rule, chosen]
        return " ".join(word for word in words if word) + f"\n\n{table}"


def _official(
    results: Sequence[Result], answered: Mapping[str, str], task: QuestionTask
) -> dict[str, float]:
    """The scores of the official scripts; of 2.0, best_… are at thresholds fitted on these."""
    dataset = dataset_of(results)
    if not isinstance(task, AnswerableSpanTask):
        scores = squad_v1(dataset, answered)
        return {"exact_match": scores["exact_match"], "f1": scores["f1"]}
    answers = {result.example.id: result.value for result in results}
    best, odds = predictions_of(answers), null_odds_of(answers)
    sweep = squad_v2(dataset, best, odds)
    found = squad_v2(dataset, answered)
    found |= {name: value for name, value in sweep.items() if name.startswith("best_")}
    if task.threshold_rule == "original" and task.threshold is not None:
        found |= original_two_pass(dataset, best, odds)[1]
    return found


def _overlap_f1(results: Sequence[Result]) -> float:
    """F1 (0 to 1) of the guess by words alone."""
    examples = [result.example for result in results]
    guesses = {one.id: overlapping_stretch(one.question, one.context) for one in examples}
    return float(squad_v1(as_dataset(examples), guesses)["f1"]) / 100


def _held_out(results: Sequence[Result], task: AnswerableSpanTask) -> tuple[list[Result], str]:
    """The results to score, and where the threshold comes from."""
    if task.threshold is None:
        return list(results), "Every question is answered: there is no threshold."
    if task.threshold_rule == "original":
        return list(results), (
            "The threshold is fitted on the very questions that are scored, as the original does: "
            "expect less on new ones."
        )
    where = f"The threshold, {task.threshold:.4g},"
    used = set(task.threshold_articles)
    others = [result for result in results if result.example.title not in used]
    left_out = len(results) - len(others)
    if not used or not others:
        same = "validation questions, which no others are held out from"
        return list(results), f"{where} was fitted on the {same}."
    if not left_out:
        return others, f"{where} was fitted on other articles."
    return others, (
        f"{where} was fitted on {left_out:,} questions of {len(used)} articles, which are left "
        "out of these scores."
    )


def _by_type(judged: Sequence[Judged]) -> Rows:
    """Kinds of questions that there are, with their number and their scores."""
    rows: Rows = []
    for name in QUESTION_TYPES:
        part = [one for one in judged if question_type(one.question.question) == name]
        if part:
            exact, f1 = fmean(one.exact for one in part), fmean(one.f1 for one in part)
            rows.append([name, len(part), exact, f1])
    return rows


def _shown(rows: Rows) -> Rows:
    return [
        [name, count, *(f"{100 * float(value):.2f} %" for value in scores)]
        for name, count, *scores in rows
    ]
