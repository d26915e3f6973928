"""Attention by hand is attention: every shape of block, forward and backward."""

import pytest
import torch

from litebert.encoder import products
from litebert.encoder.attention import attend
from litebert.encoder.layout import Layout, Packed, Padded

HEADS, WIDTH = 2, 16


def compared(layout: Layout, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    draws = torch.Generator().manual_seed(0)
    qkv = torch.randn(*shape, 3 * WIDTH, generator=draws).to(dtype)
    upstream = torch.randn(*shape, WIDTH, generator=draws).to(dtype)
    results = []
    for backend in ("products", "reference"):
        leaf = qkv.clone().requires_grad_()
        mixed = attend(leaf, layout, HEADS, 0.0, backend)
        mixed.backward(upstream)
        results.append((mixed.detach(), leaf.grad))
    tolerance = 1e-5 if dtype == torch.float32 else 3e-2
    torch.testing.assert_close(results[0], results[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("together", [1, 2, 100])
@pytest.mark.parametrize(
    "lengths", [[5], [6, 6, 6, 6, 6], [9, 7, 7, 3, 1, 1], [2, 8, 8, 8, 8, 1], [1] * 7]
)
def test_packed_sequences_are_mixed_as_the_reference_says(
    lengths: list[int],
    together: int,
    kept: bool,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    width = Packed(lengths).blocks[0].length
    monkeypatch.setattr(products, "SHORT", 512 if kept else 0)
    monkeypatch.setattr(products, "_CACHED_SCORES", together * HEADS * width**2)
    compared(Packed(lengths), (sum(lengths) + 3,), dtype)  # and rows that belong to nobody


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("together", [1, 100])
def test_padded_sequences_are_mixed_as_the_reference_says(
    together: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_CACHED_SCORES", together * HEADS * 49)
    mask = (torch.arange(7)[None, :] < torch.tensor([7, 4, 1])[:, None]).long()
    compared(Padded(mask), (3, 7), dtype)
    compared(Padded(), (3, 7), dtype)
