"""Instances laid end to end, without padding, as the packed encoder reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.instances import Instance


@dataclass(frozen=True)
class PackedBatch:
    """B instances, longest first: N tokens end to end, M of them to predict."""

    input_ids: NDArray[np.int64]  # (N,)
    segment_ids: NDArray[np.int64]  # (N,)
    lengths: NDArray[np.int64]  # (B,)
    masked_positions: NDArray[np.int64]  # (M,) into N
    masked_labels: NDArray[np.int64]  # (M,)
    order_labels: NDArray[np.int64]  # (B,)
    order_weights: NDArray[np.float32]  # (B,)


def collate(instances: Sequence[Instance]) -> PackedBatch:
    """Lay instances end to end, longest first (equal ones in the order given)."""
    rows = sorted(instances, key=lambda instance: -len(instance.ids))
    lengths = np.array([len(row.ids) for row in rows], dtype=np.int64)
    starts = (np.cumsum(lengths) - lengths).tolist()
    return PackedBatch(
        input_ids=np.concatenate([row.ids for row in rows]),
        segment_ids=np.concatenate([row.segment_ids for row in rows]),
        lengths=lengths,
        masked_positions=np.concatenate(
            [row.positions + start for row, start in zip(rows, starts, strict=True)]
        ),
        masked_labels=np.concatenate([row.labels for row in rows]),
        order_labels=np.array([row.order for row in rows], dtype=np.int64),
        order_weights=np.array([row.order_weight for row in rows], dtype=np.float32),
    )
