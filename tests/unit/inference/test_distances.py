from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from fakes import tiny_config
from litebert.encoder.encoder import Encoder
from litebert.encoder.layout import Padded
from litebert.foundation.errors import DataError
from litebert.inference.distances import layer_distances
from litebert.inference.engine import EngineSettings, TokenSequence


def encoder_of(**changes: Any) -> Encoder:
    torch.manual_seed(0)
    return Encoder(tiny_config(initializer_range=0.3, **changes)).eval()


def sequences(*lengths: int) -> list[TokenSequence]:
    draws = np.random.default_rng(0)
    return [TokenSequence.of(draws.integers(5, 40, n), [0] * n) for n in lengths]


@torch.no_grad()
def by_hand(encoder: Encoder, texts: list[TokenSequence]) -> np.ndarray:
    """(L, 3) means over all tokens, sequence after sequence and token after token."""
    measured: list[list[list[float]]] = []
    for text in texts:
        ids = torch.from_numpy(text.ids.astype(np.int64))[None]
        embedded = encoder.embeddings(ids, None, Padded())
        hidden = embedded if encoder.projection is None else encoder.projection(embedded)
        layers = encoder(ids, all_layers=True).layers
        states = [layer[0].double().numpy() for layer in (hidden, *layers)]
        for token in range(len(text)):
            vectors = [state[token] for state in states]
            measured.append([_pair(a, b) for a, b in pairwise(vectors)])
    return np.mean(measured, axis=0)


def _pair(a: np.ndarray, b: np.ndarray) -> list[float]:
    cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    return [float(np.linalg.norm(a - b)), cosine, float(np.degrees(np.arccos(cosine)))]


@pytest.mark.parametrize(
    "changes",
    [{}, {"sharing": "none", "embedding_size": 16, "family": "bert"}, {"inner_group_num": 2}],
)
def test_the_means_are_those_of_every_token_taken_by_hand(changes: dict[str, Any]) -> None:
    encoder, texts = encoder_of(**changes), sequences(9, 3, 17, 17, 1)
    expected = by_hand(encoder, texts)
    for budget in (17, 8192):
        found = layer_distances(encoder, texts, EngineSettings(max_tokens=budget))
        assert (found.tokens, found.sequences) == (47, 5)
        made = np.array([found.l2, found.cosine, found.degrees]).T
        assert made.shape == (4 * encoder.config.inner_group_num, 3)
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_that_changes_nothing_has_no_distance() -> None:
    encoder = encoder_of(sharing="none", embedding_size=16)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if "output." in name or name.endswith("norm.bias"):
                parameter.zero_()
    found = layer_distances(encoder, sequences(12))
    assert found.l2 == pytest.approx([0] * 4, abs=1e-5)
    assert found.cosine == pytest.approx([1] * 4)
    assert found.degrees == pytest.approx([0] * 4, abs=1e-3)


def test_without_text_there_is_nothing_to_measure() -> None:
    with pytest.raises(DataError, match="no text"):
        layer_distances(encoder_of(), [])
