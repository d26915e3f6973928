from pathlib import Path

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.models import ClassificationModel
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.task import ClassificationTask
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import save_model
from small_models import small_tokenizer

LABELS = ("bad", "good", "so-so")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """On a busy machine, two threads are many times slower than one at these sizes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return small_tokenizer()


@pytest.fixture(scope="session")
def classifier(tokenizer: Tokenizer) -> ClassificationModel:
    torch.manual_seed(0)
    config = tiny_config(vocab_size=tokenizer.vocab_size, initializer_range=0.5)
    return ClassificationModel(config, len(LABELS)).eval()


@pytest.fixture(scope="session")
def predictor(classifier: ClassificationModel, tokenizer: Tokenizer) -> Predictor:
    return Predictor(classifier, tokenizer, ClassificationTask(labels=LABELS, max_length=32))


@pytest.fixture(scope="session")
def pair_predictor(classifier: ClassificationModel, tokenizer: Tokenizer) -> Predictor:
    task = ClassificationTask(
        labels=LABELS, text_column="question", pair_column="answer", max_length=32
    )
    return Predictor(classifier, tokenizer, task)


@pytest.fixture(scope="session")
def model_folder(predictor: Predictor, classifier: ClassificationModel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "fine-tuned"
    save_model(folder, classifier, predictor.tokenizer, predictor.task.as_dict())
    return folder
