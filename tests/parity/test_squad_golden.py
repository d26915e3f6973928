"""SQuAD's windows, targets and decoding against golden numbers that the project carries.

The questions have what real texts have: accents, fractions, double and other spaces, line breaks,
quotes, a digit before a comma, answers at the edges of their contexts.
"""

import gzip
import json
from dataclasses import asdict

import numpy as np
import pytest

from litebert.tasks.span.decode import (
    BeamScores,
    SpanScores,
    decode_answerable,
    decode_spans,
)
from litebert.tasks.span.windows import window_targets, windows_of
from litebert.tasks.squad.data import read_squad
from litebert.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def folder(golden):
    return golden / "squad"


@pytest.fixture(scope="module")
def decoded(folder) -> dict:
    return json.loads((folder / "decoded.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def questions(folder, decoded):
    """(question, its windows) of the golden questions."""
    examples = read_squad(folder / "questions.json").examples
    texts = [(example.question, example.context) for example in examples]
    tokenizer = Tokenizer.load(folder / "spiece.model")
    windows = windows_of(texts, tokenizer, **decoded["lengths"])
    return list(zip(examples, windows, strict=True))


@pytest.fixture(scope="module")
def rows(folder) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    with gzip.open(folder / "windows.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            found.setdefault(row["id"], []).append(row)
    return found


def test_windows_and_targets_are_the_originals(questions, rows):
    assert len(questions) == 17
    for question, windows in questions:
        targets = window_targets(windows, question.answer_span)
        for window, target, row in zip(windows, targets, rows[question.id], strict=True):
            found = {**asdict(window), **asdict(target)}
            for name in found.keys() & row.keys():
                assert found[name] == row[name], (question.id, row["window"], name)


def test_characters_slice_to_the_originals_text_or_a_better_one(questions, rows):
    different = set()
    for question, windows in questions:
        for window, row in zip(windows, rows[question.id], strict=True):
            for (start, end), first, last in zip(
                window.spans, row["char_start"], row["char_end"], strict=True
            ):
                ours, theirs = question.context[start:end], question.context[first : last + 1]
                if ours != theirs.strip():
                    different.add((ours, theirs))
    # A lone space before the first letter, for which the original has the letter itself.
    assert different == {("", '"'), ("", "E")}


def test_answers_are_the_originals(folder, questions, decoded):
    scores = np.load(folder / "scores.npz")
    at = 0
    for question, windows in questions:
        here = slice(at, at + len(windows))
        at += len(windows)
        logits = [SpanScores(start, end) for start, end in scores["spans"][here]]
        beams = [
            BeamScores(values[:5], index[:5], values[5:30], index[5:], float(values[30]))
            for values, index in zip(
                scores["beam_log_probs"][here], scores["beam_index"][here], strict=True
            )
        ]
        found = decode_spans(question.context, windows, [logits])
        assert listed(found)[:5] == decoded["spans"][question.id]
        found = decode_answerable(question.context, windows, [beams])
        assert listed(found)[:5] == decoded["answerable"][question.id]
        assert found.null_odds == decoded["null_odds"][question.id]
    assert at == len(scores["spans"])


def listed(answers) -> list[list]:
    return [[one.text, one.start_score, one.end_score] for one in answers.candidates]
