import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from fakes import tiny_config
from litebert.encoder.layout import Layout, Packed, Padded
from litebert.encoder.models import AnswerableSpanModel
from litebert.objectives import span_sum, unanswerable_sum

WINDOWS = [(3, 9), (1, 4), (6, 14), (2, 1)]  # tokens of question and context
LENGTHS = [question + context + 3 for question, context in WINDOWS]
STARTS = torch.tensor([7, 0, 12, 4])
ENDS = torch.tensor([9, 0, 20, 4])


@pytest.fixture
def model() -> AnswerableSpanModel:
    torch.manual_seed(0)
    config = tiny_config(initializer_range=0.5, classifier_dropout_prob=0.0)
    return AnswerableSpanModel(config)


def packed() -> tuple[Tensor, Tensor, Layout]:
    torch.manual_seed(1)
    segments = [[0] * (question + 2) + [1] * (context + 1) for question, context in WINDOWS]
    segment_ids = torch.tensor([segment for row in segments for segment in row])
    return torch.randint(1, 40, (sum(LENGTHS),)), segment_ids, Packed(LENGTHS)


def padded() -> tuple[Tensor, Tensor, Layout]:
    ids, segment_ids, _ = packed()
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    rows = [pad_sequence(list(v.split(LENGTHS)), batch_first=True) for v in (ids, segment_ids)]
    return rows[0], rows[1], Padded(mask.long())


def outside() -> Tensor:
    """Where the windows, as they were cut, say that no answer lies."""
    masks = [
        torch.tensor([0] + [1] * (question + 1) + [0] * context + [1])
        for question, context in WINDOWS
    ]
    return pad_sequence(masks, batch_first=True, padding_value=1).float()


def loss(model: AnswerableSpanModel, batch: tuple[Tensor, Tensor, Layout]) -> Tensor:
    scores = model(*batch, STARTS)
    spans, _ = span_sum(scores.start_log_probs, scores.end_log_probs, STARTS, ENDS)
    answerless, _ = unanswerable_sum(scores.unanswerable, STARTS == 0)
    return spans + answerless


def gradients(model: AnswerableSpanModel, total: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    total.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def test_packed_windows_train_as_the_padded_reference_of_the_head(model):
    ids, segment_ids, layout = padded()
    head, sequence = model.answerable_span, model.encoder.encode(ids, segment_ids, layout).sequence
    starts = head.start_log_probs(sequence, outside())
    ends = head.end_log_probs(sequence, outside(), STARTS[:, None])[:, 0]
    spans, _ = span_sum(starts, ends, STARTS, ENDS)
    answerless, _ = unanswerable_sum(head.unanswerable(sequence, starts), STARTS == 0)
    expected = gradients(model, spans + answerless)
    found = gradients(model, loss(model, packed()))
    assert loss(model, packed()).item() == pytest.approx((spans + answerless).item(), abs=1e-5)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4)


def test_the_beam_is_the_same_in_both_layouts_and_that_of_the_log_probabilities(model):
    model.eval()
    with torch.no_grad():
        one, other = model.beam(*packed(), 3, 4), model.beam(*padded(), 3, 4)
        ids, segment_ids, layout = padded()
        sequence = model.encoder.encode(ids, segment_ids, layout).sequence
        starts = model.answerable_span.start_log_probs(sequence, outside())
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.start_log_probs, starts.topk(3).values, atol=1e-5, rtol=1e-5)
    for rank in range(3):
        begun = one.start_index[:, rank]
        given = model(*packed(), begun).end_log_probs.topk(4)
        torch.testing.assert_close(one.end_log_probs[:, rank], given.values, atol=1e-5, rtol=1e-5)


def test_a_beam_wider_than_the_windows_holds_nothing_likely_beyond_them(model):
    model.eval()
    ids, segment_ids = torch.tensor([2, 3, 9, 3]), torch.tensor([0, 0, 1, 1])
    with torch.no_grad():
        beam = model.beam(ids, segment_ids, Packed([4]), 5, 5)
    assert beam.end_index.shape == (1, 5, 5)
    likely = beam.start_index[beam.start_log_probs > -1e9]
    assert sorted(likely.tolist()) == [0, 2]
