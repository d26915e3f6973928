"""How far each layer carries its input: L2 distance and angle between input and output.

Source: the paper's figure on smooth transitions from layer to layer (Section 3.1).

L applications of a layer, N tokens of a packed batch, B sequences, H hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from litebert.encoder.encoder import Encoder
from litebert.encoder.layout import Packed
from litebert.foundation.errors import DataError
from litebert.inference.engine import Engine, EngineSettings, TokenSequence


@dataclass(frozen=True)
class LayerDistances:
    """Means over the tokens, for each application of a layer in order (L of them)."""

    l2: Sequence[float]
    """Euclidean distance between the input and the output of the layer."""
    cosine: Sequence[float]
    """Cosine of the angle between them."""
    degrees: Sequence[float]
    """That angle, as the paper's figure shows it."""
    tokens: int
    sequences: int


def layer_distances(
    encoder: Encoder,
    sequences: Sequence[TokenSequence],
    settings: EngineSettings | None = None,
    device: torch.device | None = None,
) -> LayerDistances:
    """Run sequences through an encoder and measure every layer, all tokens counting alike.

    The input of the first layer are the embeddings, projected to H; a layer is applied L times,
    once for each depth and each layer within it. Raises DataError where there is no sequence.
    """

    def forward(input_ids: Tensor, segment_ids: Tensor, layout: Packed) -> Tensor:
        return _sums(encoder, input_ids, segment_ids, layout)

    if not sequences:
        raise DataError("there is no text to measure the layers on")
    lengths = [len(sequence) for sequence in sequences]
    engine = Engine(forward, max(lengths), settings, device)
    sums = sum(row.astype(np.float64) for row in engine.run(sequences))  # (L, 3)
    l2, cosine, degrees = (np.asarray(sums) / sum(lengths)).T.tolist()
    return LayerDistances(l2, cosine, degrees, sum(lengths), len(lengths))


def _sums(encoder: Encoder, input_ids: Tensor, segment_ids: Tensor, layout: Packed) -> Tensor:
    """The three measures, summed over the tokens of each sequence: (B, L, 3)."""
    lengths = torch.tensor(layout.lengths, device=input_ids.device)
    # In double precision: a small angle is lost in the last digits of its cosine.
    before = encoder.embed(input_ids, segment_ids, layout).double()  # (N, H)
    layers = encoder.encode(input_ids, segment_ids, layout, all_layers=True).layers
    assert layers is not None
    sums = []
    for layer in layers:
        after = layer.double()
        cosine = F.cosine_similarity(before, after, dim=-1)  # (N,)
        angle = torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))
        measures = torch.stack([(after - before).norm(dim=-1), cosine, angle], dim=-1)  # (N, 3)
        sums.append(torch.segment_reduce(measures, "sum", lengths=lengths, axis=0))
        before = after
    return torch.stack(sums, dim=1)
