"""Vectors of texts from any model folder, fine-tuned or not.

Legend: N real tokens of a packed batch, B texts of it, H hidden size.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from litebert.encoder.encoder import Encoder
from litebert.encoder.layout import Packed
from litebert.foundation.errors import ConfigError, nearest
from litebert.inference.engine import Engine
from litebert.tasks.features import encode_texts
from litebert.tasks.prediction.placement import InferenceSettings, place
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import load_encoder, matching_tokenizer, resolve_model_folder

Pooling = Literal["mean", "cls", "pooled"]


def load_embedder(folder: str | Path, settings: InferenceSettings | None = None) -> "Embedder":
    """Load the encoder and tokenizer of a model folder, or of the run folder that holds it.

    Raises ModelFolderError where the folder is no model.
    """
    found = resolve_model_folder(Path(folder))
    encoder = load_encoder(found)
    return Embedder(encoder, matching_tokenizer(found, encoder.config), settings)


class Embedder:
    """Turns texts into vectors of the encoder's hidden size."""

    def __init__(
        self, encoder: Encoder, tokenizer: Tokenizer, settings: InferenceSettings | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.max_length = encoder.config.max_position_embeddings
        self.width = encoder.config.hidden_size
        self._encoder = encoder
        self.settings, self._device = place(encoder, encoder, settings or InferenceSettings())

    def embed(self, texts: Iterable[str], pooling: Pooling = "mean") -> NDArray[np.float32]:
        """One vector a text, (number of texts, H).

        "mean" averages the last depth over all tokens of the text, special ones included; "cls"
        takes its first token; "pooled" the pooler's output on that, as classifiers do. Texts
        longer than the model takes are cut. Raises ConfigError for another pooling, or where the
        model has no pooler.
        """
        if pooling not in get_args(Pooling):
            raise ConfigError(f'unknown pooling "{pooling}", {nearest(pooling, get_args(Pooling))}')
        if pooling == "pooled" and self._encoder.pooler is None:
            raise ConfigError('this model has no pooler: take the pooling "mean" or "cls"')
        forward = partial(_pool, self._encoder, pooling)
        engine = Engine(forward, self.max_length, self.settings, self._device)
        pairs = ((text, None) for text in texts)
        rows = list(engine.run(encode_texts(pairs, self.tokenizer, self.max_length)))
        return np.stack(rows) if rows else np.zeros((0, self.width), dtype=np.float32)


def _pool(
    encoder: Encoder, pooling: Pooling, input_ids: Tensor, segment_ids: Tensor, layout: Packed
) -> Tensor:
    """Packed tokens (N,) to one vector a sequence (B, H)."""
    wanted = None if pooling == "mean" else layout.first(input_ids)
    output = encoder.encode(input_ids, segment_ids, layout, wanted=wanted)
    if pooling == "pooled":
        assert output.pooled is not None
        return output.pooled
    if pooling == "cls":
        return output.sequence
    lengths = torch.tensor(layout.lengths, device=output.sequence.device)
    means: Tensor = torch.segment_reduce(output.sequence.float(), "mean", lengths=lengths)
    return means
