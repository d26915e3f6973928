"""SQuAD against the original's code: windows, targets, decoding, and the official scores."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from litebert.tasks.metrics import squad_v1, squad_v2
from litebert.tasks.span.answers import null_odds_of, predictions_of
from litebert.tasks.span.decode import (
    Answers,
    BeamScores,
    SpanScores,
    decode_answerable,
    decode_spans,
)
from litebert.tasks.span.questions import SquadQuestion, as_dataset
from litebert.tasks.span.threshold import original_two_pass
from litebert.tasks.span.windows import Window, make_windows, window_targets, windows_of
from litebert.tasks.squad.data import read_squad
from litebert.text.tokenizer import Tokenizer

LENGTHS = {"max_length": 160, "doc_stride": 64}
NAMES = ("dev", "dev_v2")


@dataclass(frozen=True)
class Part:
    """A sample: its questions for training and for evaluation, windows, and the original's."""

    training: list[SquadQuestion]
    questions: list[SquadQuestion]
    windows: list[list[Window]]
    features: dict[str, list[dict]]
    scores: dict[str, np.ndarray]
    decoded: dict


@pytest.fixture(scope="module")
def tokenizer(shared) -> Tokenizer:
    return Tokenizer.load(shared / "data/spm/30k-clean.model")


@pytest.fixture(scope="module", params=NAMES)
def part(request, shared: Path, tokenizer) -> Part:
    folder, name = shared / "oracle/squad", request.param
    questions = read_squad(folder / f"{name}.json", labelled=False).examples
    features: dict[str, list[dict]] = {}
    with gzip.open(folder / f"{name}.features.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            features.setdefault(row["id"], []).append(row)
    texts = [(question.question, question.context) for question in questions]
    return Part(
        read_squad(folder / f"{name}.train.json").examples,
        questions,
        list(windows_of(texts, tokenizer, **LENGTHS)),
        features,
        dict(np.load(folder / f"{name}.scores.npz")),
        json.loads((folder / f"{name}.decoded.json").read_text("utf-8")),
    )


def rows(part: Part):
    """Every question with its windows and what the original has for them."""
    for question, windows in zip(part.questions, part.windows, strict=True):
        yield question, windows, part.features[question.id]


def test_windows_are_the_originals(part):
    for _, windows, expected in rows(part):
        assert len(windows) == len(expected)
        for window, row in zip(windows, expected, strict=True):
            assert window.input_ids == row["input_ids"]
            assert window.segment_ids == row["segment_ids"]
            assert window.p_mask == row["p_mask"]
            assert window.max_context == row["max_context"]


def test_one_question_alone_gives_the_same_windows(part, tokenizer):
    question, windows, _ = next(rows(part))
    assert make_windows(question.question, question.context, tokenizer, **LENGTHS) == windows


def test_targets_are_the_originals(part):
    for question, windows in zip(part.training, part.windows, strict=True):
        targets = window_targets(windows, question.answer_span)
        for target, row in zip(targets, part.features[question.id], strict=True):
            assert target.start_position == row["start_position"]
            assert target.end_position == row["end_position"]
            assert target.is_impossible == row["is_impossible"]


def test_characters_slice_to_the_originals_text_or_a_better_one(part, tokenizer):
    tokens = different = 0
    for question, windows, expected in rows(part):
        for window, row in zip(windows, expected, strict=True):
            ends = zip(window.spans, row["char_start"], row["char_end"], strict=True)
            for at, ((start, end), first, last) in enumerate(ends, start=window.offset):
                tokens += 1
                theirs = question.context[first : last + 1].strip()
                if question.context[start:end] != theirs:
                    different += 1
                    # A lone space, for which the original has the letter after it.
                    assert tokenizer.pieces[window.input_ids[at]] == "\u2581"
                    assert start == end
    assert different <= tokens / 1000


def decoded(part: Part) -> dict[str, Answers]:
    answers = {}
    for question, windows, expected in rows(part):
        ids = [row["unique_id"] for row in expected]
        if "null_odds" in part.decoded:
            beams = [beam(part.scores, unique_id) for unique_id in ids]
            answers[question.id] = decode_answerable(question.context, windows, [beams])
        else:
            scores = [SpanScores(part.scores[f"start_{i}"], part.scores[f"end_{i}"]) for i in ids]
            answers[question.id] = decode_spans(question.context, windows, [scores])
    return answers


def beam(scores: dict[str, np.ndarray], unique_id: int) -> BeamScores:
    return BeamScores(
        scores[f"start_top_log_probs_{unique_id}"],
        scores[f"start_top_index_{unique_id}"],
        scores[f"end_top_log_probs_{unique_id}"],
        scores[f"end_top_index_{unique_id}"],
        float(scores[f"cls_logits_{unique_id}"]),
    )


def test_decoding_is_the_originals(part):
    answers = decoded(part)
    dataset = as_dataset(part.questions)
    best = predictions_of(answers)
    if "null_odds" in part.decoded:
        assert null_odds_of(answers) == part.decoded["null_odds"]
        best, scores = original_two_pass(dataset, best, null_odds_of(answers))
    else:
        scores = squad_v1(dataset, best)
    assert best == part.decoded["predictions"]
    for name, value in part.decoded["scores"].items():
        assert scores[name] == pytest.approx(value, abs=1e-9)


def test_n_best_lists_are_the_originals(part):
    answers = decoded(part)
    for key, expected in part.decoded.get("nbest_first3", {}).items():
        for candidate, row in zip(answers[key].candidates, expected, strict=False):
            assert candidate.text == row["text"]
            assert candidate.probability == pytest.approx(row["probability"], abs=1e-12)
            assert candidate.start_score == pytest.approx(row["start_log_prob"], abs=1e-12)
            assert candidate.end_score == pytest.approx(row["end_log_prob"], abs=1e-12)


@pytest.mark.parametrize("name", ["v1.1_BERT_ensemble", "v2.0_BERT_single"])
def test_published_predictions_get_their_official_scores(shared, name):
    version = name[1:4]
    dataset = json.loads((shared / f"data/squad/full-dev-v{version}.json").read_text("utf-8"))
    predictions = json.loads((shared / f"data/squad/predictions/{name}.json").read_text("utf-8"))
    official = json.loads((shared / "oracle/squad/official_scores.json").read_text("utf-8"))[name]
    scores = squad_v1(dataset, predictions) if version == "1.1" else squad_v2(dataset, predictions)
    if not answers_are_complete(dataset):
        # One annotator's answers alone cannot give what all of them gave; the rest still holds.
        official = {key: value for key, value in official.items() if not of_several(key)}
    assert official
    for key, value in official.items():
        assert scores[key] == pytest.approx(value, abs=1e-9)


def answers_are_complete(dataset: dict) -> bool:
    """Whether every answerable question has several answers, as the official dev sets have."""
    counts = [
        len(row["answers"])
        for article in dataset["data"]
        for paragraph in article["paragraphs"]
        for row in paragraph["qas"]
        if row["answers"]
    ]
    return sum(count == 1 for count in counts) < len(counts) / 10


def of_several(key: str) -> bool:
    """Whether a score depends on the other annotators' answers."""
    return key in ("exact_match", "f1", "exact", "HasAns_exact", "HasAns_f1")
