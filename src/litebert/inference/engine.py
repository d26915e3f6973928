"""Runs a model over token sequences of any number: packed, within a token budget, order kept.

Legend: N real tokens of a packed batch, B sequences of it.

The engine reads a stretch of the input ahead, sorts it by length, cuts it into packed batches of
at most `max_tokens` tokens, and gives the results back in the order of the input. Nothing is
padded, so the result of a sequence does not depend on its neighbours (in fp32 up to rounding).
Only one stretch is held in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from litebert.encoder.layout import Packed
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import Settings

Forward = Callable[[Tensor, Tensor, Packed], Tensor | Sequence[Tensor]]


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """The ids of one input, special tokens included, and for each the segment it belongs to."""

    ids: NDArray[np.int32]
    segment_ids: NDArray[np.int8]

    @classmethod
    def of(cls, ids: Sequence[int], segment_ids: Sequence[int]) -> Self:
        """The same from lists, in little memory."""
        return cls(np.array(ids, dtype=np.int32), np.array(segment_ids, dtype=np.int8))

    def __len__(self) -> int:
        return len(self.ids)


class EngineSettings(Settings):
    """How inputs are batched; none of it changes a result by more than rounding."""

    max_tokens: int = Field(default=8192, ge=1)
    """Tokens that are computed at once; fewer need less memory."""
    look_ahead: int = Field(default=2048, ge=1)
    """Rows that are read ahead to put texts of like length together."""
    threads: int | None = Field(default=None, ge=1)
    """Processor threads; all that torch chooses where not given."""


class Engine:
    """Applies `forward` to a stream of token sequences.

    `forward` takes ids (N,), segment ids (N,) and their layout, and returns one row a sequence
    (B, …), or a list of B tensors of any shape, such as the scores of each sequence's tokens.
    `longest` is the length of the longest sequence that may come: a token budget below it
    raises ConfigError at once, since such a sequence could never be computed.
    """

    def __init__(
        self,
        forward: Forward,
        longest: int,
        settings: EngineSettings | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        if self.settings.max_tokens < longest:
            raise ConfigError(
                f"max_tokens: {self.settings.max_tokens} is less than one text may have "
                f"({longest} tokens): allow at least {longest}"
            )
        self._forward = forward
        self._device = device or torch.device("cpu")

    def run(self, sequences: Iterable[TokenSequence]) -> Iterator[NDArray[np.float32]]:
        """Yield the output of every sequence, in order, as the input is read."""
        source = iter(sequences)
        while stretch := list(islice(source, self.settings.look_ahead)):
            yield from self._stretch(stretch)

    def _stretch(self, sequences: list[TokenSequence]) -> list[NDArray[np.float32]]:
        results: dict[int, NDArray[np.float32]] = {}
        for batch in token_batches([len(s) for s in sequences], self.settings.max_tokens):
            rows = self._compute([sequences[i] for i in batch])
            results.update(zip(batch, rows, strict=True))
        return [results[i] for i in range(len(sequences))]

    def _compute(self, batch: list[TokenSequence]) -> list[NDArray[np.float32]]:
        ids = np.concatenate([s.ids for s in batch]).astype(np.int64)
        segment_ids = np.concatenate([s.segment_ids for s in batch]).astype(np.int64)
        layout = Packed([len(s) for s in batch])
        with _threads(self.settings.threads), torch.inference_mode():
            rows = self._forward(
                torch.from_numpy(ids).to(self._device),
                torch.from_numpy(segment_ids).to(self._device),
                layout,
            )
        if isinstance(rows, Tensor):
            return list(_array(rows))
        return [_array(row) for row in rows]


def token_batches(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Group the indices of `lengths`, longest first, so that no group exceeds `max_tokens`.

    Raises ValueError where one length alone exceeds it.
    """
    batches: list[list[int]] = []
    free = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if lengths[index] > max_tokens:
            raise ValueError(f"a sequence of {lengths[index]} tokens exceeds {max_tokens}")
        if not batches or lengths[index] > free:
            batches.append([])
            free = max_tokens
        batches[-1].append(index)
        free -= lengths[index]
    return batches


def _array(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.float().cpu().numpy()
    return array


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before: Any = torch.get_num_threads()
    try:
        if count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)
