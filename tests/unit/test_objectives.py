import pytest
import torch
from torch.nn import functional as F

from litebert.objectives import (
    choice_sum,
    classification_sum,
    masked_lm_sum,
    sentence_sum,
    span_sum,
    unanswerable_sum,
)


def test_masked_lm_is_the_summed_log_likelihood_and_the_hits() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(5, 7), torch.tensor([0, 6, 2, 2, 3])
    logits[1, 6] = 50.0
    loss, right = masked_lm_sum(logits, labels)
    expected = -F.log_softmax(logits, -1)[torch.arange(5), labels].sum()
    assert torch.allclose(loss, expected)
    assert right == (logits.argmax(-1) == labels).sum()


def test_sums_of_micro_batches_add_up_to_the_whole() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 4), torch.randint(4, (6,))
    whole, right = classification_sum(logits, labels)
    parts = [classification_sum(logits[i : i + 2], labels[i : i + 2]) for i in (0, 2, 4)]
    assert torch.allclose(whole, sum(loss for loss, _ in parts))
    assert right == sum(hits for _, hits in parts)


def test_pairs_of_weight_zero_count_for_nothing() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 3.0], [5.0, 0.0]], requires_grad=True)
    labels, weights = torch.tensor([0, 0, 0]), torch.tensor([1.0, 1.0, 0.0])
    loss, right = sentence_sum(logits, labels, weights)
    assert torch.allclose(loss, F.cross_entropy(logits[:2], labels[:2], reduction="sum"))
    assert right == 1
    loss.backward()
    assert torch.equal(logits.grad[2], torch.zeros(2))


def test_half_precision_logits_are_summed_in_float32() -> None:
    logits = torch.randn(300, 11).bfloat16()
    labels = torch.randint(11, (300,))
    loss, _ = masked_lm_sum(logits, labels)
    assert loss.dtype == torch.float32
    assert torch.allclose(loss, masked_lm_sum(logits.float(), labels)[0])


def test_a_batch_without_masked_positions_has_loss_zero() -> None:
    logits = torch.zeros(0, 11, requires_grad=True)
    loss, right = masked_lm_sum(logits, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert (loss.item(), int(right)) == (0.0, 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_and_gradient_over_a_large_vocabulary_equal_torchs(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits = (9 * torch.randn(31, 30_000)).to(dtype).requires_grad_()  # eight blocks of rows
    labels = torch.randint(30_000, (31,))
    gradients = []
    for loss in (
        masked_lm_sum(logits, labels)[0],
        F.cross_entropy(logits.float(), labels, reduction="sum"),
    ):
        gradients.append(torch.autograd.grad(loss / 31, logits)[0])
        assert loss.item() == pytest.approx(
            F.cross_entropy(logits.double(), labels, reduction="sum").item(), rel=1e-6
        )
    assert gradients[0].dtype == dtype
    assert torch.allclose(*gradients, atol=1e-7, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_a_label_far_below_the_best_has_a_finite_loss() -> None:
    logits = torch.tensor([[0.0, 1000.0]])
    assert masked_lm_sum(logits, torch.tensor([0]))[0].item() == 1000.0


def test_of_equal_logits_only_one_is_the_answer() -> None:
    labels = torch.arange(5)
    assert masked_lm_sum(torch.zeros(5, 5), labels)[1] == 1


def test_a_choice_is_among_the_options_of_its_own_question() -> None:
    scores = torch.tensor([0.5, 2.0, -1.0, 3.0, 1.0], requires_grad=True)
    labels = torch.tensor([1, 2])
    loss, right = choice_sum(scores, [2, 3], labels)
    first, second = scores[:2].log_softmax(0), scores[2:].log_softmax(0)
    expected = -first[1] - second[2]
    assert torch.allclose(loss, expected)
    assert right == 1
    gradients = [torch.autograd.grad(one, scores)[0] for one in (loss, expected)]
    assert torch.allclose(*gradients)


def test_a_choice_among_equal_numbers_is_a_classification() -> None:
    scores, labels = torch.randn(12), torch.tensor([3, 0, 1])
    choice = choice_sum(scores.bfloat16(), [4, 4, 4], labels)
    assert choice == classification_sum(scores.bfloat16().view(3, 4), labels)


def test_a_span_is_right_only_at_both_ends() -> None:
    torch.manual_seed(0)
    starts, ends = torch.randn(3, 6).log_softmax(-1), torch.randn(3, 6).log_softmax(-1)
    begins, finishes = starts.argmax(-1), ends.argmax(-1)
    loss, right = span_sum(starts, ends, begins, finishes)
    mean = (F.nll_loss(starts, begins) + F.nll_loss(ends, finishes)) / 2
    assert torch.allclose(loss / 3, mean)
    assert right == 3
    finishes[0] = (finishes[0] + 1) % 6
    assert span_sum(starts, ends, begins, finishes)[1] == 2


def test_a_positive_logit_says_that_there_is_no_answer() -> None:
    logits, none = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([1, 0, 0])
    loss, right = unanswerable_sum(logits, none)
    expected = F.softplus(-logits[0]) + F.softplus(logits[1]) + F.softplus(logits[2])
    assert torch.allclose(loss, expected / 2)
    assert right == 2
