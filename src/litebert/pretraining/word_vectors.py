"""Word embeddings to begin with, from which words stand beside which in the corpus.

Masked LM sees each word a few times as a target; a minute of counting sees all of them beside all
their neighbours. The vectors are the singular vectors of the positive pointwise mutual information
of pieces and contexts (Levy, Goldberg and Dagan 2015), which is what word2vec finds by training.

Shapes: V vocabulary, C contexts, E embedding.
"""

from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.corpus.stream import InstanceStream
from litebert.foundation.progress import Progress
from litebert.foundation.randomness import derive_seed

WINDOW = 8  # pieces to either side
MOST_CONTEXTS = 4096  # the most frequent pieces; so many columns of V numbers fit into memory
MOST_TOKENS = 50_000_000  # more of a larger corpus' text would say little new
SMOOTHING = 0.75  # of the contexts' frequencies, against rare ones
SCALE = 0.05  # deviation of the numbers; that of an untrained embedding is 0.02
_BLOCK = 1 << 20  # tokens counted at once
_SPARE = 16  # directions that the decomposition looks at beyond those wanted


@torch.no_grad()
def fill_word_vectors(table: Tensor, stream: InstanceStream, seed: int) -> int:
    """Write vectors into an embedding table (V, E) in place; returns the tokens they come from.

    Pieces that the text lacks keep what they have, and so do dimensions beyond what there is.
    """
    blocks = _blocks(stream)
    vectors, seen = counted_vectors(blocks, table.shape[0], table.shape[1], seed)
    known = table[:, : vectors.shape[1]]
    known[seen.to(table.device)] = vectors[seen].to(table.device)
    return sum(len(block) for block in blocks)


def counted_vectors(
    blocks: list[NDArray[np.int32]], vocab_size: int, width: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Vectors (V, up to E) of the pieces in blocks of ids, and which pieces are there, (V,)."""
    counts = _counts(blocks, vocab_size)
    seen = counts.sum(1) > 0
    information = _positive_information(counts)
    wanted = min(width + _SPARE, *information.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "word vectors") % 2**63)
        directions, _, _ = torch.svd_lowrank(information, q=wanted, niter=4)
    vectors = directions[:, :width]
    return vectors * (SCALE / vectors.std(0).clamp(min=1e-12)), seen


def _blocks(stream: InstanceStream) -> list[NDArray[np.int32]]:
    """The beginning of every stretch of text, as much of it as is to be counted, in few arrays."""
    stretches = list(stream.stretches())
    share = min(1.0, MOST_TOKENS / sum(len(ids) for ids in stretches))
    blocks: list[NDArray[np.int32]] = []
    gathered: list[NDArray[np.int32]] = []
    tokens = 0
    for ids in stretches:
        gathered.append(np.asarray(ids[: max(1, int(share * len(ids)))], dtype=np.int32))
        tokens += len(gathered[-1])
        if tokens >= _BLOCK:
            blocks.append(np.concatenate(gathered))
            gathered, tokens = [], 0
    return [*blocks, np.concatenate(gathered)] if gathered else blocks


def _counts(blocks: list[NDArray[np.int32]], vocab_size: int) -> Tensor:
    """How often each piece has each context within the window, (V, C)."""
    frequencies = np.zeros(vocab_size, dtype=np.int64)
    for block in blocks:
        frequencies += np.bincount(block, minlength=vocab_size)
    contexts = np.argsort(-frequencies, kind="stable")[:MOST_CONTEXTS]
    column = np.full(vocab_size, -1, dtype=np.int64)
    column[contexts] = np.arange(len(contexts))
    counts = torch.zeros(vocab_size * len(contexts))
    total = sum(len(block) for block in blocks)
    with Progress("word vectors", total, "tokens") as progress:
        for done, block in zip(accumulate(map(len, blocks)), blocks, strict=True):
            _count(counts, block, column, len(contexts))
            progress.update(done)
    return counts.view(vocab_size, len(contexts))


def _count(counts: Tensor, block: NDArray[np.int32], column: NDArray[np.int64], C: int) -> None:
    """Add what stands beside what in a block to flat counts (V * C)."""
    rows, columns = block.astype(np.int64) * C, column[block]
    for distance in range(1, WINDOW + 1):
        for words, beside in (
            (rows[:-distance], columns[distance:]),
            (rows[distance:], columns[:-distance]),
        ):
            places = (words + beside)[beside >= 0]
            counts.scatter_add_(0, torch.from_numpy(places), torch.ones(len(places)))


def _positive_information(counts: Tensor) -> Tensor:
    """Positive pointwise mutual information of pieces and contexts, in the counts' place."""
    contexts = counts.sum(0) ** SMOOTHING
    expected = counts.sum(1).clamp(min=1)
    counts /= expected[:, None]
    counts /= (contexts / contexts.sum()).clamp(min=1e-12)
    return counts.log_().clamp_(min=0)
