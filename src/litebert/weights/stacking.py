"""Which layers of a smaller model the layers of a larger one are copied from.

Depth comes first, then sharing. A deeper model applies its shared layers more often; where the
depths share nothing, new depth d copies old depth d * L_old // L_new, so that each layer stays
where it was in proportion. Sharing then changes at the new depth: every new set of parameters is a
copy of the sets that its depths used, which must be equal. More layers within a depth repeat those
there are, in order. Without more depth the sequence of layers stays what it was.

L depths, I layers within each, G groups.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError

Half = Literal["attention", "ffn"]
HALVES: dict[Half, str] = {"attention": "attention", "ffn": "feed-forward"}


class Block(NamedTuple):
    """One block of parameters: the number of its set, and of the layer within a depth."""

    number: int
    inner: int


Sources = dict[Half, dict[Block, list[Block]]]


def stacked(old: EncoderConfig, new: EncoderConfig) -> Sources:
    """For each block of the new model the old blocks that its places in the sequence had.

    Raises ConfigError where the new model has fewer layers.
    """
    L, I = _stretched(old, new)  # noqa: E741
    return {half: _regrouped(new, half, _sequence(old, half, L, I)) for half in HALVES}


def is_shared(config: EncoderConfig, half: Half) -> bool:
    """Whether the depths of a group share this half of their layers."""
    return config.sharing in ("all", half)


def set_count(config: EncoderConfig, half: Half) -> int:
    """How many sets of parameters a half of the layers has."""
    return config.num_hidden_groups if is_shared(config, half) else config.num_hidden_layers


def _stretched(old: EncoderConfig, new: EncoderConfig) -> tuple[int, int]:
    """L and I before the sharing changes. Raises ConfigError where one of them shrinks.

    As many layers in all, counted otherwise (12 depths of one as 6 of two), are the same sequence.
    """
    before = old.num_hidden_layers * old.inner_group_num
    if new.num_hidden_layers * new.inner_group_num == before:
        return old.num_hidden_layers, old.inner_group_num
    for key in ("num_hidden_layers", "inner_group_num"):
        if getattr(new, key) < getattr(old, key):
            raise ConfigError(
                f"{key}: {getattr(new, key)} is asked for, the model has {getattr(old, key)}: "
                "models grow and do not lose layers"
            )
    return new.num_hidden_layers, new.inner_group_num


def _sequence(old: EncoderConfig, half: Half, L: int, I: int) -> list[Block]:  # noqa: E741
    """The old blocks that are applied one after the other, at L depths of I layers."""
    stretched = old.changed(num_hidden_layers=L)
    blocks = []
    for depth in range(L):
        number = depth * old.num_hidden_layers // L
        if is_shared(old, half):
            number = stretched.group(depth)
        blocks += [Block(number, inner * old.inner_group_num // I) for inner in range(I)]
    return blocks


def _regrouped(new: EncoderConfig, half: Half, before: Sequence[Block]) -> dict[Block, list[Block]]:
    """A sequence of old blocks, gathered by the new blocks that take their places."""
    L, I, count = new.num_hidden_layers, new.inner_group_num, set_count(new, half)  # noqa: E741
    gathered: dict[Block, list[Block]] = {
        Block(number, inner): [] for number in range(count) for inner in range(I)
    }
    for place, block in enumerate(before):
        depth, inner = divmod(place, I)
        number = new.group(depth) if is_shared(new, half) else depth
        if block not in gathered[Block(number, inner)]:
            gathered[Block(number, inner)].append(block)
    for (number, inner), blocks in gathered.items():
        if not blocks:
            # A set that no depth uses, as some cases of as many groups as depths have.
            blocks.append(before[number * L // count * I + inner])
    return gathered
