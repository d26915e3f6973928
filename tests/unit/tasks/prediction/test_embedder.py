from pathlib import Path

import numpy as np
import pytest
import torch

from litebert import load_embedder, load_encoder
from litebert.foundation.errors import ConfigError
from small_models import save_small_model, sentences

TEXTS = [text for text, _ in sentences(11)] + [""]


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooled"])
def test_a_vector_is_that_of_the_text_alone(tmp_path: Path, pooling: str):
    folder = save_small_model(tmp_path / "base")
    embedder = load_embedder(folder)
    vectors = embedder.embed(TEXTS, pooling=pooling)
    assert vectors.shape == (len(TEXTS), 32)
    assert vectors.dtype == np.float32
    encoder = load_encoder(folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = torch.tensor([embedder.tokenizer.pair(text, max_length=32).ids])
        with torch.inference_mode():
            output = encoder(ids)
        expected = {
            "mean": output.sequence[0].mean(0),
            "cls": output.sequence[0, 0],
            "pooled": output.pooled[0],
        }
        np.testing.assert_allclose(vector, expected[pooling], atol=1e-5, rtol=0)


def test_no_texts_give_no_vectors_and_another_pooling_is_refused(tmp_path: Path):
    embedder = load_embedder(save_small_model(tmp_path / "base"))
    assert embedder.embed([]).shape == (0, 32)
    with pytest.raises(ConfigError, match='unknown pooling "means", did you mean "mean"'):
        embedder.embed(["a"], pooling="means")  # type: ignore[arg-type]
