"""Packed sequences are gathered into few rectangles, whose tensors are moved to a device once."""

import pytest
import torch

from litebert.encoder.layout import LARGE_RUN, SMALL_BLOCK, Packed, Padded


@pytest.mark.parametrize("lengths", [[5], [7, 7, 3], [3, 2, 4], [128] * 40 + [90] * 3 + [2] * 60])
def test_blocks_hold_every_token_once_and_in_order(lengths: list[int]) -> None:
    blocks = Packed(lengths).blocks
    assert sum(block.count for block in blocks) == len(lengths)
    assert sum(block.tokens for block in blocks) == sum(lengths)
    rows = iter(lengths)
    for block in blocks:
        own = [next(rows) for _ in range(block.count)]
        if block.places is None:
            assert set(own) == {block.length}
        else:
            assert block.mask.sum(1).tolist() == own
            assert block.places.tolist() == [
                row * block.length + place for row, n in enumerate(own) for place in range(n)
            ]


def test_long_runs_have_a_block_of_their_own_and_short_ones_share() -> None:
    run = LARGE_RUN // 128
    blocks = Packed([128] * run + [40, 30, 20, 10, 2]).blocks
    assert [(block.count, block.length) for block in blocks] == [(run, 128), (5, 48)]
    assert blocks[1].count * blocks[1].length <= SMALL_BLOCK


def test_positions_and_starts_begin_anew_with_each_sequence() -> None:
    layout = Packed([3, 1, 2])
    assert layout.positions(torch.zeros(6)).tolist() == [0, 1, 2, 0, 0, 1]
    assert layout.starts == [0, 3, 4]
    assert layout.first(torch.zeros(6)).tolist() == [0, 3, 4]
    assert Padded().first(torch.zeros(3, 4)).tolist() == [0, 4, 8]


def test_tensors_are_copied_to_a_device_once_for_all_depths() -> None:
    layout, device = Packed([4, 3]), torch.device("meta")
    (block,) = layout.blocks_on(device)
    assert block.places.device == block.mask.device == device
    assert layout.blocks_on(device)[0] is block


@pytest.mark.parametrize("tail", [(), (3,)])
@pytest.mark.parametrize("width", [0, 4, 7])
def test_both_layouts_give_the_same_rectangle(tail: tuple[int, ...], width: int) -> None:
    lengths = [2, 5, 1]
    padded = torch.randn(3, 5, *tail)
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    packed = Packed(lengths).rectangle(padded[mask], -1.0, width)
    assert packed.shape == (3, max(5, width), *tail)
    assert torch.equal(packed, Padded(mask.long()).rectangle(padded, -1.0, width))
    assert all(torch.equal(packed[i, :n], padded[i, :n]) for i, n in enumerate(lengths))
    assert all((packed[i, n:] == -1.0).all() for i, n in enumerate(lengths))
    assert torch.equal(Padded().rectangle(padded, -1.0), padded)
