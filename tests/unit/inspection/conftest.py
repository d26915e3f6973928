from pathlib import Path

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.models import PretrainingModel
from litebert.weights.folder import save_model
from small_models import save_small_model, small_tokenizer


@pytest.fixture(scope="session")
def albert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "albert")


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model on the same vocabulary: four depths, no sharing, as BERT."""
    folder = tmp_path_factory.mktemp("models") / "bert"
    tokenizer = small_tokenizer()
    torch.manual_seed(1)
    config = tiny_config(
        vocab_size=tokenizer.vocab_size + 4, sharing="none", embedding_size=16, family="bert"
    )
    save_model(folder, PretrainingModel(config), tokenizer)
    return folder
