"""Random numbers as pure functions of a seed and a key, so that order and masks can be recomputed.

Every draw of litebert comes from a counter-based generator (Philox) whose key is a hash of what
the draw is for: nothing depends on how many draws were made before, on the number of workers, or
on where a run was interrupted.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 6


class Position(NamedTuple):
    """A place in an endless order of shuffled epochs: `offset` items of `epoch` are behind it."""

    epoch: int = 0
    offset: int = 0


def derive_seed(seed: int, *key: int | str) -> int:
    """A 128-bit integer that depends on the seed and on every part of the key, in order."""
    text = "\x1f".join([str(seed), *(f"{type(part).__name__}:{part}" for part in key)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(seed: int, *key: int | str) -> np.random.Generator:
    """A generator of its own for (seed, key): equal arguments give equal draws, everywhere."""
    return np.random.Generator(np.random.Philox(key=derive_seed(seed, *key)))


class KeyedStream:
    """Generators for index 0, 1, 2 … under one (seed, key), each independent, at O(1) cost."""

    def __init__(self, seed: int, *key: int | str) -> None:
        self._key = derive_seed(seed, *key)

    def at(self, index: int) -> np.random.Generator:
        """The generator of `index`: its own 2**192 counter values of the keyed Philox."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=index << 192))


class KeyedUniforms:
    """Numbers in [0, 1) for many indices at once, each a pure function of (seed, key, index)."""

    def __init__(self, seed: int, *key: int | str) -> None:
        self._keys = generator(seed, *key, "uniforms").integers(0, 2**63, 2, dtype=np.uint64)

    def at(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """The number of every index."""
        values = _mix(_mix(indices.astype(np.uint64) + self._keys[0]) ^ self._keys[1])
        return (values >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Permutation:
    """A keyed shuffle of 0 … size-1 whose value at any index costs O(1) time and no memory.

    A balanced Feistel network over the next even power of two, walked until it falls inside the
    range (cycle walking): a bijection for every size.
    """

    def __init__(self, size: int, seed: int, *key: int | str) -> None:
        if size < 0:
            raise ValueError(f"size must not be negative, got {size}")
        self.size = size
        self._half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
        draws = generator(seed, *key, "permutation")
        self._keys = draws.integers(0, 2**63, _ROUNDS, dtype=np.uint64)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        """The element at `index`. Raises IndexError outside 0 … size-1."""
        if not 0 <= index < self.size:
            raise IndexError(f"index {index} outside 0 … {self.size - 1}")
        return int(self.take(np.array([index], dtype=np.uint64))[0])

    def take(self, indices: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The elements at many indices at once, each inside 0 … size-1."""
        values = self._encrypt(np.asarray(indices, dtype=np.uint64))
        outside = values >= self.size
        while outside.any():
            values[outside] = self._encrypt(values[outside])
            outside = values >= self.size
        return values

    def _encrypt(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        bits = np.uint64(self._half)
        mask = np.uint64((1 << self._half) - 1)
        left, right = values >> bits, values & mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right + key) & mask)
        return (left << bits) | right


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A 64-bit finaliser (multiply and shift): every input bit reaches the low bits."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
