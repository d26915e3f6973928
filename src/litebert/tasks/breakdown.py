"""Scores of groups of examples: by a name, or by a size in groups of like number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

PARTS = 4  # groups by size


@dataclass(frozen=True)
class Group:
    """Some examples: what they have in common, how many they are, the mean of each score."""

    name: str
    count: int
    means: tuple[float, ...]


def groups_by_name(
    names: Sequence[str], scores: Sequence[Sequence[float]], order: Sequence[str]
) -> Iterator[Group]:
    """The examples of each name, in an order of the names; those that none has are left out."""
    values = np.asarray(scores, dtype=np.float64)
    for name in order:
        chosen = [i for i, own in enumerate(names) if own == name]
        if chosen:
            yield Group(name, len(chosen), tuple(values[chosen].mean(axis=0).tolist()))


def groups_by_size(
    sizes: Sequence[int], scores: Sequence[Sequence[float]], parts: int = PARTS
) -> Iterator[Group]:
    """Up to `parts` groups of like numbers of examples; those of one size stay together."""
    values, counts = np.asarray(scores, dtype=np.float64), np.asarray(sizes)
    edges = np.unique(np.quantile(counts, np.linspace(0, 1, parts + 1)[1:-1], method="lower"))
    group = np.searchsorted(edges, counts)
    for index in np.unique(group):
        chosen = group == index
        low, high = int(counts[chosen].min()), int(counts[chosen].max())
        name = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        yield Group(name, int(chosen.sum()), tuple(values[chosen].mean(axis=0).tolist()))
