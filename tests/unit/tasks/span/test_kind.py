from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fakes import tiny_config
from litebert.encoder.layout import Packed
from litebert.encoder.models import AnswerableSpanModel, SpanModel
from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.features import Tally
from litebert.tasks.kind import Encoded, Item, ItemBatch, Kind
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.span.decode import SpanScores, decode_spans
from litebert.tasks.span.kind import ANSWERABLE_SPAN, SPAN
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.span.task import AnswerableSpanTask, SpanTask
from litebert.tasks.span.windows import make_windows
from small_models import small_tokenizer

TOKENIZER = small_tokenizer()
CONTEXT = "the old house with a lovely garden. " * 3 + "A warm morning,\nand the river."
LENGTHS = {"max_length": 24, "doc_stride": 7, "max_query_length": 6}
TASKS = {SPAN.name: SpanTask(**LENGTHS), ANSWERABLE_SPAN.name: AnswerableSpanTask(**LENGTHS)}
KINDS: Sequence[Kind] = (SPAN, ANSWERABLE_SPAN)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


def question(text: str = "the green river?", answer: str = "warm morning") -> SquadQuestion:
    start = CONTEXT.index(answer)
    return SquadQuestion("q", text, CONTEXT, (SquadAnswer(answer, start),))


def encoded(kind: Kind, example: SquadQuestion) -> Encoded:
    return next(iter(kind.encode([example], TASKS[kind.name], TOKENIZER, Tally())))


def model_of(kind: Kind, seed: int = 0) -> SpanModel | AnswerableSpanModel:
    torch.manual_seed(seed)
    config = tiny_config(
        vocab_size=TOKENIZER.vocab_size, initializer_range=0.5, classifier_dropout_prob=0.0
    )
    build = SpanModel if kind is SPAN else AnswerableSpanModel
    return build(config).eval()


def batch_of(items: Sequence[Item]) -> ItemBatch:
    sequences = [sequence for item in items for sequence in item.sequences]
    return ItemBatch(
        torch.from_numpy(np.concatenate([s.ids for s in sequences]).astype(np.int64)),
        torch.from_numpy(np.concatenate([s.segment_ids for s in sequences]).astype(np.int64)),
        Packed([len(s) for s in sequences]),
        [1] * len(items),
        [item.target for item in items],
    )


@every_kind
def test_every_window_is_an_item_whether_it_holds_the_answer_or_not(kind):
    example = question()
    items = kind.items(example, encoded(kind, example), TASKS[kind.name])
    windows = make_windows(example.question, CONTEXT, TOKENIZER, 24, 7, 6)
    assert [item.sequences[0].ids.tolist() for item in items] == [w.input_ids for w in windows]
    assert {item.target.is_impossible for item in items} == {True, False}
    for item, window in zip(items, windows, strict=True):
        if not item.target.is_impossible:
            first = window.spans[item.target.start_position - window.offset][0]
            last = window.spans[item.target.end_position - window.offset][1]
            assert CONTEXT[first:last] == "warm morning"
        else:
            assert (item.target.start_position, item.target.end_position) == (0, 0)


def test_the_loss_of_a_window_is_that_of_its_own_tokens():
    example = question()
    items = SPAN.items(example, encoded(SPAN, example), TASKS["span"])
    model, batch = model_of(SPAN), batch_of(items)
    expected = 0.0
    for item in items:
        (sequence,) = item.sequences
        ids = torch.from_numpy(sequence.ids.astype(np.int64))
        segments = torch.from_numpy(sequence.segment_ids.astype(np.int64))
        logits = model(ids, segments, Packed([len(sequence)]))
        target = torch.tensor([item.target.start_position, item.target.end_position])
        expected += F.cross_entropy(logits.T, target, reduction="sum").item() / 2
    assert SPAN.losses(model, batch)["span"].total.item() == pytest.approx(expected, rel=1e-5)


@every_kind
def test_losses_of_parts_add_up_to_those_of_the_whole(kind):
    example = question()
    items = kind.items(example, encoded(kind, example), TASKS[kind.name])
    model = model_of(kind)
    whole = kind.losses(model, batch_of(items))
    parts = [kind.losses(model, batch_of([item])) for item in items]
    assert tuple(whole) == tuple(kind.terms)
    for name, term in whole.items():
        total = sum(part[name].total.item() for part in parts)
        assert term.total.item() == pytest.approx(total, rel=1e-4)
        assert int(term.correct) == sum(int(part[name].correct) for part in parts)


@every_kind
def test_chance_is_not_knowing_where_in_the_context(kind):
    example = question()
    items = kind.items(example, encoded(kind, example), TASKS[kind.name])
    chance = kind.chance_loss(TASKS[kind.name], items)
    held = [item for item in items if not item.target.is_impossible]
    share = len(held) / len(items)
    places = np.mean([np.log(item.sequences[0].segment_ids.sum() - 1) for item in held])
    entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert chance == pytest.approx(entropy + share * places)


@every_kind
def test_answers_are_characters_of_the_original_context(kind):
    predictor = Predictor(model_of(kind), TOKENIZER, TASKS[kind.name])
    rows = [
        {"question": "the green river?", "context": CONTEXT},
        ("the table?", "  Ähm …  a\u00a0house\n\n" + CONTEXT.upper()),
    ]
    for row, found in zip(rows, predictor.predict(rows), strict=True):
        context = row["context"] if isinstance(row, dict) else row[1]
        assert found.answer
        assert found.answer == context[found.start : found.end] == found.answer.strip()
        assert 0 < found.probability <= 1
        assert (found.null_odds is None) == (kind is SPAN)
        assert found.candidates[0].text == found.answer
        assert sum(c.probability for c in found.candidates) == pytest.approx(1)


def test_what_is_said_is_what_decoding_the_windows_gives():
    model, example = model_of(SPAN), question()
    windows = make_windows(example.question, CONTEXT, TOKENIZER, 24, 7, 6)
    scores = []
    for window in windows:
        with torch.no_grad():
            ids, segments = torch.tensor(window.input_ids), torch.tensor(window.segment_ids)
            logits = model(ids, segments, Packed([len(ids)])).numpy()
        scores.append(SpanScores(logits[:, 0], logits[:, 1]))
    expected = decode_spans(CONTEXT, windows, [scores]).candidates
    (found,) = Predictor(model, TOKENIZER, TASKS["span"]).predict([(example.question, CONTEXT)])
    assert [c.text for c in found.candidates] == [c.text for c in expected]
    np.testing.assert_allclose(
        [c.probability for c in found.candidates], [c.probability for c in expected], atol=1e-5
    )


@every_kind
def test_models_that_answer_together_are_averaged(kind):
    one, other, both = (
        Predictor(model_of(kind, s), TOKENIZER, TASKS[kind.name]) for s in (0, 1, 0)
    )
    both.join(Predictor(model_of(kind, 1), TOKENIZER, TASKS[kind.name]), "one", "other")
    row = [("the green river?", CONTEXT)]
    each = [predictor.predict(row)[0] for predictor in (one, other, both)]
    if kind is ANSWERABLE_SPAN:
        odds = [found.null_odds for found in each]
        assert odds[2] == pytest.approx((odds[0] + odds[1]) / 2, abs=1e-5)
    known = {c.text for found in each[:2] for c in found.candidates}
    assert each[2].candidates[0].text in known
    assert each[2] != each[0]


def test_models_of_different_windows_do_not_answer_together():
    first = Predictor(model_of(SPAN), TOKENIZER, TASKS["span"])
    other = Predictor(model_of(SPAN), TOKENIZER, TASKS["span"].changed(doc_stride=9))
    with pytest.raises(ConfigError, match="one and other differ in doc_stride"):
        first.join(other, "one", "other")


def test_odds_above_the_threshold_are_no_answer():
    model, row = model_of(ANSWERABLE_SPAN), [("the green river?", CONTEXT)]
    (found,) = Predictor(model, TOKENIZER, TASKS["answerable_span"]).predict(row)
    none = 1 / (1 + np.exp(-found.null_odds))
    assert found.probability == pytest.approx(found.candidates[0].probability * (1 - none))
    for above, answer in ((0.1, found.answer), (-0.1, "")):
        task = TASKS["answerable_span"].changed(threshold=found.null_odds + above)
        (said,) = Predictor(model, TOKENIZER, task).predict(row)
        assert said.answer == answer
        assert (said.start is None) == (not answer)
        assert answer or said.probability == pytest.approx(none)


@every_kind
def test_a_context_of_nothing_has_no_answer(kind):
    tally = Tally()
    predictor = Predictor(model_of(kind), TOKENIZER, TASKS[kind.name])
    (found,) = predictor.stream([("the river?", " \n")], tally)
    assert (found.answer, found.start, found.end) == ("", None, None)
    assert (tally.rows, tally.empty) == (1, 1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"question": "Who?"}, 'there is no "context", only question'),
        ("Who?", r'a question and a context \("question", "context"\), not \'Who\?\''),
        (("Who?", 3), "not \\('Who\\?', 3\\)"),
    ],
)
def test_a_row_of_another_form_is_refused(row, problem):
    predictor = Predictor(model_of(SPAN), TOKENIZER, TASKS["span"])
    with pytest.raises(DataError, match=problem):
        predictor.predict([row])


def test_columns_of_another_kind_of_task_are_refused():
    predictor = Predictor(model_of(SPAN), TOKENIZER, TASKS["span"])
    assert predictor.columns({"context": "page"}) == {"question": "question", "context": "page"}
    with pytest.raises(ConfigError, match="no column of a text: it reads question and context"):
        predictor.columns({"text": "page"})
