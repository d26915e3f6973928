"""Padded equals packed, sharing shares, bf16 follows fp32."""

import itertools

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.encoder import ROW_STEP, Encoder, row_step
from litebert.encoder.layout import Packed, Padded
from litebert.encoder.models import ClassificationModel, PretrainingModel
from litebert.foundation.errors import DataError

LENGTHS = [9, 9, 7, 4, 4, 1]


def batch(lengths: list[int] = LENGTHS) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, mask and segment ids (B, T) of sequences with the given lengths."""
    draws = torch.Generator().manual_seed(3)
    shape = (len(lengths), max(lengths))
    mask = torch.arange(shape[1])[None, :] < torch.tensor(lengths)[:, None]
    ids = torch.randint(5, 40, shape, generator=draws) * mask
    return ids, mask.long(), (torch.arange(shape[1]) > 3).long().expand(shape) * mask


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("sharing", ["all", "attention", "ffn", "none"])
def test_padded_and_packed_agree_forward_and_backward(sharing: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    config = tiny_config(sharing=sharing, num_hidden_groups=2, inner_group_num=2)
    model = PretrainingModel(config)
    model.encoder.compute_dtype = dtype
    ids, mask, segments = batch()
    real = mask.bool()
    flat = mask.flatten().nonzero().flatten()
    results = []
    for inputs in [
        (ids, segments, Padded(mask), flat[::3]),
        (ids[real], segments[real], Packed(LENGTHS), torch.arange(len(flat))[::3]),
    ]:
        model.zero_grad()
        masked, order = model(*inputs)
        (masked.square().mean() + order.square().mean()).backward()
        results.append((masked.detach(), order.detach(), gradients(model)))
    tolerance = 1e-5 if dtype == torch.float32 else 5e-2
    torch.testing.assert_close(results[0], results[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("backend", ["auto", "sdpa", "products"])
def test_attention_backends_agree_forward_and_backward(backend: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config())
    encoder.compute_dtype = dtype
    ids, mask, segments = batch()
    results = []
    for chosen in (backend, "reference"):
        encoder.attention_backend = chosen
        encoder.zero_grad()
        out = encoder(ids, mask, segments)
        out.sequence[mask.bool()].float().square().mean().backward()
        results.append((out.sequence.detach()[mask.bool()], gradients(encoder)))
    tolerance = 1e-5 if dtype == torch.float32 else 5e-2
    torch.testing.assert_close(results[0], results[1], rtol=tolerance, atol=tolerance)


def test_bf16_follows_fp32_and_sums_the_depths_gradients_in_fp32() -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config(num_hidden_layers=12, hidden_size=32))
    ids, _, segments = batch([9, 9])
    grads = []
    for dtype in (torch.float32, torch.bfloat16):
        encoder.compute_dtype = dtype
        encoder.zero_grad()
        encoder(ids, None, segments).pooled.square().mean().backward()
        grads.append(gradients(encoder))
        assert all(grad.dtype == torch.float32 for grad in grads[-1].values())
    for name, exact in grads[0].items():
        if exact.norm() > 1e-4:
            error = (grads[1][name] - exact).norm() / exact.norm()
            assert error < 0.1, (name, error)


def test_frozen_weights_get_no_gradient_in_bf16_and_let_it_pass() -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config())
    encoder.compute_dtype = torch.bfloat16
    for parameter in encoder.ffn.parameters():
        parameter.requires_grad_(False)
    ids, _, segments = batch([9, 9])
    encoder(ids, None, segments).pooled.square().mean().backward()
    assert all(p.grad is None for p in encoder.ffn.parameters())
    assert all(p.grad is not None for p in encoder.embeddings.parameters())


def test_each_sharing_strategy_uses_the_sets_it_names() -> None:
    config = {"num_hidden_layers": 6, "num_hidden_groups": 3}
    sets = {
        sharing: (encoder := Encoder(tiny_config(sharing=sharing, **config)))
        and (
            [encoder.attention_set(d) for d in range(6)],
            [encoder.ffn_set(d) for d in range(6)],
        )
        for sharing in ("all", "attention", "ffn", "none")
    }
    groups, depths = [0, 0, 1, 1, 2, 2], list(range(6))
    assert sets == {
        "all": (groups, groups),
        "attention": (groups, depths),
        "ffn": (depths, groups),
        "none": (depths, depths),
    }


def test_equal_widths_have_no_projection() -> None:
    encoder = Encoder(tiny_config(embedding_size=16, hidden_size=16))
    assert encoder.projection is None
    assert encoder(torch.ones(1, 3, dtype=torch.long)).sequence.shape == (1, 3, 16)


def test_inner_groups_run_in_sequence_and_all_layers_are_returned() -> None:
    encoder = Encoder(tiny_config(inner_group_num=3, num_hidden_layers=4))
    out = encoder(torch.ones(2, 5, dtype=torch.long), all_layers=True)
    assert len(out.layers) == 12
    assert torch.equal(out.layers[-1], out.sequence)


def test_initialisation_follows_its_table() -> None:
    torch.manual_seed(0)
    model = PretrainingModel(tiny_config(hidden_size=64, intermediate_size=256))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert parameter.eq(0).all(), name
        elif "norm" in name:
            assert parameter.eq(1).all(), name
        else:
            assert parameter.abs().max() <= 0.04, name
    assert model.encoder.ffn[0][0].output.weight.std().item() == pytest.approx(0.0176, rel=0.02)


def test_dropout_acts_on_the_feed_forward_output_and_only_in_training() -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config(hidden_dropout_prob=0.5, num_hidden_layers=1))
    ids = torch.ones(1, 6, dtype=torch.long)
    assert not torch.equal(encoder(ids).sequence, encoder(ids).sequence)
    encoder.eval()
    assert torch.equal(encoder(ids).sequence, encoder(ids).sequence)
    block = encoder.ffn[0][0].train()
    x = torch.randn(1, 6, encoder.config.hidden_size)
    weights = block.prepare(torch.float32)
    torch.manual_seed(1)
    out = torch.nn.functional.dropout(weights.output(block.activation(weights.intermediate(x))))
    torch.manual_seed(1)
    torch.testing.assert_close(block(x, weights), block.norm(out + x))


def test_a_sequence_beyond_the_positions_is_refused() -> None:
    encoder = Encoder(tiny_config(max_position_embeddings=8))
    with pytest.raises(DataError, match="9 tokens is longer than the 8"):
        encoder(torch.ones(1, 9, dtype=torch.long))
    with pytest.raises(DataError, match="9 tokens"):
        encoder.encode(torch.ones(12, dtype=torch.long), None, Packed([3, 9]))


def test_a_fully_padded_row_behaves_as_if_it_had_no_mask() -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config()).eval()
    ids = batch([5, 5])[0]
    free = encoder(ids).sequence
    masked = encoder(ids, torch.zeros_like(ids)).sequence
    torch.testing.assert_close(masked, free, rtol=0, atol=2e-3)  # fp32 at -10000 keeps 3 digits


@pytest.mark.parametrize(
    "lengths",
    [
        *itertools.permutations([3, 5, 5, 2]),
        *itertools.permutations([3, 2, 4]),  # the mean is one of the lengths
    ],
)
def test_packed_sequences_do_not_see_each_other_in_any_order(lengths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    # Weights large enough that a sequence which sees its neighbour shows it.
    model = ClassificationModel(tiny_config(initializer_range=0.3), 3).eval()
    draws = torch.Generator().manual_seed(1)
    texts = [torch.randint(5, 40, (n,), generator=draws) for n in lengths]
    together = model(torch.cat(texts), None, Packed(lengths))
    alone = torch.cat([model(text[None], None, Padded()) for text in texts])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("packed", [False, True])
def test_wanted_tokens_are_those_of_the_whole_sequence(packed: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    encoder = Encoder(tiny_config(inner_group_num=2))
    encoder.compute_dtype = dtype
    ids, mask, segments = batch()
    real = mask.bool()
    inputs = (ids, segments, Padded(mask))
    if packed:
        inputs = (ids[real], segments[real], Packed(LENGTHS))
    wanted = torch.tensor([0, 3, 3, 20])  # a token may be wanted twice
    results = []
    for asked in (None, wanted):
        encoder.zero_grad()
        sequence, pooled, _ = encoder.encode(*inputs, wanted=asked)
        some = sequence.flatten(0, -2)[wanted] if asked is None else sequence
        (some.float().square().mean() + pooled.square().mean()).backward()
        results.append((some.detach(), pooled.detach(), gradients(encoder)))
    tolerance = 1e-5 if dtype == torch.float32 else 5e-2
    torch.testing.assert_close(results[0], results[1], rtol=tolerance, atol=tolerance)


def test_no_token_may_be_wanted() -> None:
    encoder = Encoder(tiny_config())
    ids, mask, segments = batch()
    out = encoder.encode(ids, segments, Padded(mask), wanted=torch.empty(0, dtype=torch.long))
    assert out.sequence.shape == (0, encoder.config.hidden_size)
    torch.testing.assert_close(out.pooled, encoder(ids, mask, segments).pooled)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_recomputed_layers_give_the_same_bits_dropout_included(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    config = tiny_config(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2)
    model = PretrainingModel(config)
    model.encoder.compute_dtype = dtype
    ids, mask, segments = batch()
    results = []
    for recompute in (False, True):
        model.zero_grad()
        model.encoder.recompute = recompute
        torch.manual_seed(1)
        masked, order = model(ids, segments, Padded(mask), torch.tensor([1, 5, 9]))
        (masked.float().square().mean() + order.square().mean()).backward()
        results.append({"masked": masked.detach(), **gradients(model)})
    assert all(torch.equal(kept, results[1][name]) for name, kept in results[0].items())


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_rows_are_filled_to_few_numbers_with_few_more(device: str) -> None:
    filled = {}
    for rows in range(40000):
        step = row_step(rows, device)
        filled[rows] = rows + -rows % step
        assert rows <= filled[rows] < rows + max(ROW_STEP, rows / 16)
    if device == "cuda":
        # What batches of some 27,000 tokens come to.
        assert len({filled[rows] for rows in range(26500, 27700)}) <= 3
