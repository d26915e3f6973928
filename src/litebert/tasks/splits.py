"""Examples held back to validate on, whole groups each: what belongs together is on one side."""

from collections.abc import Sequence
from typing import TypeVar

from litebert.foundation.randomness import Permutation

E = TypeVar("E")


def hold_back(
    examples: Sequence[E], groups: Sequence[str], fraction: float, seed: int
) -> tuple[list[E], list[E]]:
    """Training and validation examples: of two groups or more, a share of them is held back.

    `groups` names the group of each example. One group at least is on either side.
    """
    names = list(dict.fromkeys(groups))
    count = min(max(1, round(len(names) * fraction)), len(names) - 1)
    order = Permutation(len(names), seed, "validation")
    held = {names[order[i]] for i in range(count)}
    paired = list(zip(examples, groups, strict=True))
    training = [one for one, name in paired if name not in held]
    return training, [one for one, name in paired if name in held]
